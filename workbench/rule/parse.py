"""One document to one Sigma object, its faults found where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaCorrelationConditionError, SigmaError, SigmaRuleLocation
from sigma.filters import SigmaFilter
from sigma.modifiers import SigmaCaseSensitiveModifier
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule

from workbench.errors import RuleError
from workbench.printable import uncapitalised
from workbench.rule.document import Document, Key
from workbench.rule.expression import POLICY
from workbench.rule.field_names import field_of
from workbench.rule.logsource import check_logsource
from workbench.rule.values import ValueFault, cased

Parsed = SigmaRule | SigmaCorrelationRule | SigmaFilter

# What pySigma's error classes are about: our code, and the key they point at.
_ABOUT: dict[str, tuple[str, tuple[Key, ...]]] = {
    "Identifier": ("id", ("id",)),
    "Logsource": ("logsource", ("logsource",)),
    "Condition": ("condition", ("detection", "condition")),
    "Detection": ("detection", ("detection",)),
    "Tag": ("tags", ("tags",)),
    "FalsePositives": ("falsepositives", ("falsepositives",)),
    "CorrelationType": ("correlation", ("correlation", "type")),
    "CorrelationCondition": ("correlation", ("correlation", "condition")),
    "CorrelationRule": ("correlation", ("correlation",)),
    "Timespan": ("timespan", ("correlation", "timespan")),
    "Filter": ("filter", ("filter",)),
    "FilterCondition": ("filter", ("filter", "condition")),
    "FilterRuleReference": ("filter", ("filter", "rules")),
    "Modifier": ("modifier", ("detection",)),
    "Type": ("value", ("detection",)),
    "Value": ("value", ("detection",)),
    "RegularExpression": ("regex", ("detection",)),
    "Placeholder": ("placeholder", ("detection",)),
    "Modified": ("modified", ("modified",)),
}

_MENDS = {
    "modifier": "the modifiers are listed in docs/rules.md",
    "regex": "RE2 has no look-around, no back-references and no repetition above 1,000; write it without",
    "condition": "name detections of this rule, with and, or, not, 1 of, all of",
    "level": "informational, low, medium, high or critical",
    "status": "stable, test, experimental, deprecated or unsupported",
    "id": "give a UUID, such as `uuidgen` prints",
    "timespan": "a number and s, m, h, d, w, M or y, such as 10m",
}

_TIMES = {"minute", "hour", "day", "week", "month", "year"}
_EXPANDED = {"expand", "all", "cased", "contains", "startswith", "endswith", "neq"} | {
    *("re", "i", "ignorecase", "m", "multiline", "s", "dotall")
}
"""The modifiers that mean the same of a placeholder as of its values."""


def parse_rule(document: Document, errors: list[RuleError]) -> Parsed | None:
    """Parse a document with pySigma; None when it has faults, which are added to `errors`."""
    data = dict(document.data)
    if data.get("id") is not None:
        data["id"] = str(data["id"])
    if "action" in data:
        errors.append(
            document.fault(
                "collection actions are not part of Sigma 2",
                "action",
                code="action",
                mend="write every rule out",
            )
        )
        return None
    section = "filter" if "filter" in data else "detection"
    found = [
        *_key_faults(document),
        *_item_faults(document, data.get(section), (section,)),
        *_condition_faults(document, data.get(section), section),
    ]
    data = _as_now(_lower_operators(data, section))
    if found or section == "filter":
        found += _further_faults(document, data, section)
    source = SigmaRuleLocation(Path(document.path))
    kind: Any = SigmaFilter if section == "filter" else SigmaRule
    if "correlation" in data:
        kind = SigmaCorrelationRule
    try:
        parsed: Parsed = kind.from_dict(data, collect_errors=True, source=source, policy=POLICY)
        faults: list[Exception] = list(parsed.errors)
    # pySigma trips over some malformed input in other ways; that too is a fault of the rule.
    except Exception as fault:
        faults = [fault, *_faults_besides(fault, data)]
    # A fault of an item has been found already, where it stands.
    items = {"modifier", "value", "regex", "modified", "condition"} if found else set()
    found += [error for error in map(partial(_translate, document), faults) if error.code not in items]
    errors.extend(found)
    if found:
        return None
    if isinstance(parsed, SigmaRule):
        _locate(document, parsed.detection.detections, section)
        # A place of its own would be given to every item when the condition is read.
        parsed.detection.source = None
        for condition in parsed.detection.parsed_condition:
            condition.source = None
    elif isinstance(parsed, SigmaFilter):
        _locate(document, parsed.filter.detections, section)
    return parsed


def _as_now(data: dict[str, Any]) -> dict[str, Any]:
    """Give a rule's data with `obsoletes`, a relation's name before Sigma 2, as what it is called now."""
    related = data.get("related")
    if not isinstance(related, list):
        return data
    now = [
        one | {"type": "obsolete"} if isinstance(one, dict) and one.get("type") == "obsoletes" else one
        for one in related
    ]
    return data | {"related": now}


def _faults_besides(fault: Exception, data: dict[str, Any]) -> list[Exception]:
    """Give the faults of a correlation beside that of its condition, at which pySigma stops."""
    if not isinstance(fault, SigmaCorrelationConditionError):
        return []
    correlation = {**data["correlation"], "condition": {"gte": 1, "field": "any"}}
    try:
        return list(SigmaCorrelationRule.from_dict({**data, "correlation": correlation}, True).errors)
    except Exception:
        return []  # the fault that there is already says that the rule is malformed


def _translate(document: Document, error: Exception) -> RuleError:
    name = re.sub(r"^Sigma|Error$", "", type(error).__name__)
    if not isinstance(error, SigmaError):
        section = next((key for key in ("correlation", "filter", "detection") if key in document.data), "")
        cause = f"a value is of a type that cannot stand there: {error}"
        return document.fault(cause, section, code="malformed", mend="compare it with a rule that works")
    error.source = None
    code, keys = _ABOUT.get(name, (name.lower(), (name.lower(),)))
    return document.fault(str(error), *keys, code=code, mend=_MENDS.get(code, "see docs/rules.md"))


_KEYS = {
    "logsource": {"category", "product", "service", "definition", "description"},
    "correlation": {"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"},
}
"""The keys that some sections have; what another would ask for is not known, so it cannot be honoured."""


def _key_faults(document: Document) -> Iterator[RuleError]:
    """Find keys that would change what the rule means, and tags that are none."""
    kinds = [kind for kind in ("detection", "correlation", "filter") if kind in document.data]
    for kind in kinds[1:]:
        cause = f"a rule is a detection, a correlation or a filter: this one is a {kinds[0]} too"
        yield document.fault(cause, kind, code=kind, mend="write two documents")
    for section, known in _KEYS.items():
        given = document.data.get(section)
        for key in given if isinstance(given, dict) else ():
            if key not in known:
                close = get_close_matches(str(key), known, 1)
                mend = f"did you mean {close[0]}?" if close else "one of " + ", ".join(sorted(known))
                yield document.fault(f"no {section} has {key!r}", section, key, code=section, mend=mend)
    for section in ("correlation", "filter"):
        given = document.data.get(section)
        for position, rule in enumerate(_listed(given.get("rules", [])) if isinstance(given, dict) else ()):
            if not isinstance(rule, str):
                mend = "give its id or name, in quotes where it is a number"
                yield document.fault(
                    "a rule is named by text", section, "rules", position, code="reference", mend=mend
                )
    tags = document.data.get("tags")
    for position, tag in enumerate(tags if isinstance(tags, list) else ()):
        if not isinstance(tag, str) or "." not in tag:
            mend = "such as attack.t1552.001"
            yield document.fault(
                "a tag is a namespace, a dot and a name", "tags", position, code="tags", mend=mend
            )


def _item_faults(document: Document, definition: Any, keys: tuple[Key, ...]) -> Iterator[RuleError]:
    """Try every `field|modifiers: value` by itself, so that its fault is found where it stands."""
    if isinstance(definition, list):
        for position, item in enumerate(definition):
            yield from _item_faults(document, item, (*keys, position))
    if not isinstance(definition, dict):
        return
    for key, value in definition.items():
        here = (*keys, key)
        if len(keys) == 1:
            if key not in ("condition", "rules"):
                if value in (None, {}, []):
                    yield document.fault(
                        "a detection is empty", *here, code="value", mend="write what it matches"
                    )
                yield from _item_faults(document, value, here)
            continue
        if any(isinstance(one, dict) for one in _listed(value)):
            mend = "write a value, or a list of them; detections are all named at the same depth"
            yield document.fault("a mapping is no value", *here, code="value", mend=mend)
            continue
        modifiers = set(str(key).split("|")[1:])
        if "re" in modifiers and not _texts(value):
            yield document.fault("an expression is text", *here, code="value", mend="put it in quotes")
            continue
        if modifiers & _TIMES and any(isinstance(one, float) for one in _listed(value)):
            yield document.fault("a part of a time is a whole number", *here, code="value", mend="round it")
        if "expand" in modifiers and (odd := sorted(modifiers - _EXPANDED)):
            cause = f"{odd[0]} would change the placeholder, not its values"
            yield document.fault(cause, *here, code="modifier", mend="write the values out")
            continue
        try:
            SigmaDetectionItem.from_mapping(key, value, policy=POLICY)
        except Exception as error:
            fault = _translate(document, error)
            code = "modifier" if fault.code == "modified" else fault.code  # pySigma's of too many dashes
            yield document.fault(fault.cause, *here, code=code, mend=_MENDS.get(code, fault.mend))


def _condition_faults(document: Document, definition: Any, section: str) -> Iterator[RuleError]:
    """Refuse a condition that counts: since Sigma 2 that is a correlation's to say."""
    condition = definition.get("condition", "") if isinstance(definition, dict) else ""
    if not _texts(condition):
        code, cause = "condition", "a condition is text"
    elif any("|" in text for text in _listed(condition)):
        code, cause = "aggregation", "a condition cannot count"
    else:
        return
    mend = "name detections here, and count in a rule with `correlation:`"
    yield document.fault(cause, section, "condition", code=code, mend=mend)


def condition_fault(document: Document, section: str, error: Exception) -> RuleError:
    """Make the fault of a condition of which pySigma says that it cannot be read."""
    if isinstance(error, SigmaError):
        error.source = None
    cause = _GRAMMAR.sub(r"\1 at character \2", str(error))
    cause = f"the condition cannot be read: {uncapitalised(cause)}"
    return document.fault(cause, section, "condition", code="condition", mend=_MENDS["condition"])


_GRAMMAR = re.compile(r"^Expected .*, (found .*?)\s+\(at char (\d+)\).*$", re.DOTALL)
"""What pyparsing says: its whole grammar, and then what it found instead."""


def _further_faults(document: Document, data: dict[str, Any], section: str) -> Iterator[RuleError]:
    """Find what else is wrong with a rule that is refused: names of fields, and of detections."""
    definition = data.get(section)
    if not isinstance(definition, dict):
        return
    if check_logsource(document) is None and "logsource" in data:
        audit = isinstance(data["logsource"], dict) and data["logsource"].get("service") == "auditd"
        yield from _field_faults(document, definition, (section,), audit=audit)
    if section == "filter":
        for name in definition:
            if not str(name)[:1].isalpha():  # else pySigma takes the name apart
                cause, mend = "a filter's detection begins with a letter", "give it another name"
                yield document.fault(cause, section, name, code="filter", mend=mend)
    names = {str(name): ["x"] for name in definition if name not in ("condition", "rules")}
    conditions = _listed(definition.get("condition", ""))
    if not names or not _texts(conditions) or any("|" in text for text in conditions):
        return
    for condition in filter(None, conditions):
        try:
            SigmaDetections.from_dict({**names, "condition": condition}).parsed_condition[0].parse()
        except (SigmaError, RecursionError, AttributeError) as error:
            yield condition_fault(document, section, error)


def _field_faults(
    document: Document, definition: Any, keys: tuple[Key, ...], *, audit: bool
) -> Iterator[RuleError]:
    if isinstance(definition, list):
        for position, item in enumerate(definition):
            yield from _field_faults(document, item, (*keys, position), audit=audit)
    if not isinstance(definition, dict):
        return
    for key, value in definition.items():
        if len(keys) == 1:
            if key not in ("condition", "rules"):
                yield from _field_faults(document, value, (*keys, key), audit=audit)
            continue
        name = str(key).partition("|")[0]
        try:
            if name and not isinstance(value, dict):
                field_of(name, audit=audit)
        except ValueFault as fault:
            yield document.fault(fault.cause, *keys, key, code=fault.code, mend=fault.mend)


def _lower_operators(data: dict[str, Any], section: str) -> dict[str, Any]:
    """Write a condition's AND, OR and NOT small, as Sigma has them, unless a detection is so named."""
    definition = data.get(section)
    if not isinstance(definition, dict) or not _texts(definition.get("condition", "")):
        return data
    operators = {"AND", "OR", "NOT", "OF", "ALL", "THEM"} - definition.keys()

    def lowered(condition: str) -> str:
        return re.sub(r"[\w*-]+", lambda word: _small(word[0], operators), condition)

    if "condition" not in definition:
        return data
    condition = definition["condition"]
    written = [lowered(one) for one in condition] if isinstance(condition, list) else lowered(condition)
    return {**data, section: {**definition, "condition": written}}


def _small(word: str, operators: set[str]) -> str:
    return word.lower() if word in operators else word


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any) -> bool:
    return all(isinstance(one, str) for one in _listed(value))


def _locate(document: Document, detections: dict[str, SigmaDetection], section: str) -> None:
    """Tell every detection item where it stands, for faults that show only later."""
    for name, detection in detections.items():
        _locate_items(document, detection, document.data[section][name], (section, name))


def _locate_items(
    document: Document, detection: SigmaDetection, definition: Any, keys: tuple[Key, ...]
) -> None:
    detection.source = None
    for position, item in enumerate(detection.detection_items):
        if isinstance(item, SigmaDetection):
            _locate_items(document, item, definition[position], (*keys, position))
        else:
            here = (*keys, list(definition)[position]) if isinstance(definition, dict) else keys
            place = document.place(*here)
            item.source = SigmaRuleLocation(Path(document.path), place.line, place.column)
            if SigmaCaseSensitiveModifier in item.modifiers:
                item.value = [cased(value) for value in item.value]  # which later modifiers forget
