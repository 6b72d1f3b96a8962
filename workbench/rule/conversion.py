"""Rules for other engines, through whatever pySigma backends are installed; and the plan itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
from sigma.collection import SigmaCollection
from sigma.plugins import InstalledSigmaPlugins
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation

from workbench.errors import InputError, RuleError, RuleErrors
from workbench.rule.lower import lower, lower_all
from workbench.rule.ruleset import LoadedRule, RuleSet, load, read_placeholders


class Conversion(msgspec.Struct):
    """Queries, and the faults of the rules that were left out."""

    queries: list[str]
    left_out: list[RuleError]


def convert_rules(
    paths: list[Path], backend: str, placeholders: Path | None = None, *, skip: bool = False
) -> Conversion:
    """Give the queries of rules for a backend, or their plan as JSON for `plan`.

    With `skip`, rules that cannot be honoured or that the backend cannot express are left out. Raises
    InputError for a backend that is not installed, and RuleErrors with every fault otherwise.
    """
    values = read_placeholders(placeholders) if placeholders else None
    ruleset = load(paths, placeholders=values, strict=not skip)
    plan, faults = lower_all(ruleset)
    kept = ruleset.of({rule["id"] for rule in plan["rules"]})
    if backend != "plan":
        known = _known(backend)
        beyond: dict[str, RuleError] = {}
        for rule in kept.rules:  # those that others name come first
            if fault := _fault(rule, kept, backend, known, beyond):
                beyond[rule.id] = fault
        faults += beyond.values()
        kept = kept.of({rule.id for rule in kept.rules} - beyond.keys())
    if faults and not skip:
        raise RuleErrors(faults)
    left_out = [*ruleset.errors, *faults]
    if backend == "plan":
        return Conversion(
            [msgspec.json.format(msgspec.json.encode(lower(kept)), indent=2).decode()], left_out
        )
    return Conversion(_queries(kept.rules, kept, known), left_out)


def _known(name: str) -> Any:
    installed = InstalledSigmaPlugins.autodiscover().backends
    if name not in installed:
        names = ", ".join(sorted([*installed, "plan"]))
        raise InputError(f"no backend {name!r}", mend=f"one of {names}; or install a pySigma backend")
    return installed[name]


def _fault(
    rule: LoadedRule, ruleset: RuleSet, backend: str, known: Any, beyond: Mapping[str, RuleError]
) -> RuleError | None:
    """Give the fault of a rule that a backend cannot express, or that would mean something else there."""
    keys: tuple[str, ...] = ("title",)
    extension = rule.extension
    linked = extension.linked_by not in (None, "session")
    ours = [("label", extension.label), ("absent", extension.absent), ("linked_by", linked)]
    if unknown := [name for name, given in ours if given]:
        cause, keys = f"{backend} knows nothing of {' and '.join(unknown)}", ("workbench", unknown[0])
    elif named := next((step for step in rule.steps if step.id in beyond), None):
        cause = f"names {named.sigma.title!r}, which {backend} cannot express"
    else:
        try:
            _queries(_with_steps(rule), ruleset, known)
        except Exception as error:  # whatever a backend raises, it cannot express the rule
            cause = f"{backend} cannot express the rule: {error}"
        else:
            return None
    return rule.document.fault(cause, *keys, code="backend", mend="leave it out with --skip-refused")


def _with_steps(rule: LoadedRule) -> list[LoadedRule]:
    """Give a rule after those that it names."""
    return [*(inner for step in rule.steps for inner in _with_steps(step)), rule]


def _queries(rules: Iterable[LoadedRule], ruleset: RuleSet, known: Any) -> list[str]:
    """Convert rules; copies of them, for a backend changes what it converts."""
    pipeline = ProcessingPipeline(
        [ProcessingItem(ValueListPlaceholderTransformation())],
        vars={name: list(values) for name, values in ruleset.placeholders.items()},
    )
    once = {id(rule): deepcopy(rule.sigma) for rule in rules}
    queries = known(pipeline).convert(SigmaCollection(list(once.values())))
    return [str(query) for query in (queries if isinstance(queries, list) else [queries])]
