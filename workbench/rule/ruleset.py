"""Rules from files: parsed, filtered, their references resolved, every fault of all of them reported."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from sigma.correlations import SigmaCorrelationRule, SigmaExtendedCorrelationCondition
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from workbench.errors import InputError, RuleError, RuleErrors
from workbench.rule.document import Document, Key, read_documents
from workbench.rule.extension import Extension, check_extension, read_extension
from workbench.rule.logsource import check_logsource
from workbench.rule.parse import parse_rule
from workbench.yaml_text import read_yaml

PLACEHOLDERS = "placeholders.yml"
"""A file of this name among rules, or above them, gives the values of `%placeholders%`; the deeper wins."""


@dataclass(eq=False)
class LoadedRule:
    """One rule, with the document it came from and what it says under `workbench:`."""

    sigma: SigmaRule | SigmaCorrelationRule
    document: Document
    extension: Extension
    steps: list[LoadedRule] = field(default_factory=list)
    absent: list[LoadedRule] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The rule's UUID, else its name, else its title."""
        return str(self.sigma.id or self.sigma.name or self.sigma.title)


@dataclass(frozen=True)
class RuleSet:
    """Rules, those that others name first; `errors` holds the faults of the rules that were left out."""

    rules: tuple[LoadedRule, ...]
    placeholders: Mapping[str, Sequence[str]]
    errors: tuple[RuleError, ...] = ()

    def of(self, ids: Container[str]) -> RuleSet:
        """Give the set of these rules alone; those that they name are to be among them."""
        return RuleSet(tuple(rule for rule in self.rules if rule.id in ids), self.placeholders)


def rule_files(paths: Sequence[Path | str]) -> list[Path]:
    """Give the rule files that the paths mean, each once, in order; raises InputError for a missing path, and
    when there is none."""
    files: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(
                "no such file or directory", place=path, mend="give rule files or directories of them"
            )
        found = (
            sorted(file for end in ("yml", "yaml") for file in path.rglob(f"*.{end}"))
            if path.is_dir()
            else [path]
        )
        files.update({file: None for file in found if file.name != PLACEHOLDERS and not file.is_dir()})
    if not files:
        places = ", ".join(map(str, paths))
        raise InputError("no rule file is there", place=places, mend="a rule's file ends with .yml or .yaml")
    return list(files)


def load(
    paths: Iterable[Path | str] | Path | str,
    *,
    placeholders: Mapping[str, Sequence[str]] | None = None,
    strict: bool = True,
) -> RuleSet:
    """Load rules from files and directories.

    `placeholders` gives values for `expand`, over those of `placeholders.yml` files. Raises RuleErrors
    with every fault found; with `strict` off, rules at fault are left out and their faults are in
    `RuleSet.errors`.
    """
    chosen = [paths] if isinstance(paths, Path | str) else list(paths)
    errors: list[RuleError] = []
    documents = [document for file in rule_files(chosen) for document in read_documents(file, errors)]
    values = {**_read_placeholders(chosen), **(placeholders or {})}
    return from_documents(documents, placeholders=values, errors=errors, strict=strict)


def from_documents(
    documents: Iterable[Document],
    *,
    placeholders: Mapping[str, Sequence[str]] | None = None,
    errors: list[RuleError] | None = None,
    strict: bool = True,
) -> RuleSet:
    """Make a rule set of parsed documents, as `load` does."""
    errors = [] if errors is None else errors
    rules: list[LoadedRule] = []
    filters: list[tuple[Document, SigmaFilter]] = []
    collections: set[str] = set()  # files of which one document speaks for those that follow
    for document in documents:
        if document.path in collections:
            continue
        if "action" in document.data:
            collections.add(document.path)
        read = _read(document, errors)
        if isinstance(read, SigmaFilter):
            filters.append((document, read))
        elif read:
            rules.append(read)
    for document, wanted in filters:
        errors += _unfiltered(document, wanted, rules)
        for rule in rules:
            wanted.apply_on_rule(rule.sigma)
    rules = _resolve(_unique(rules, errors), errors)
    if strict and errors:
        raise RuleErrors(sorted(errors, key=_by_place))
    return RuleSet(tuple(rules), placeholders or {}, tuple(sorted(errors, key=_by_place)))


def _by_place(error: RuleError) -> tuple[str, int, int]:
    return (error.place.path, error.place.line, error.place.column) if error.place else ("", 0, 0)


def _read_placeholders(paths: Iterable[Path | str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for path in (path.resolve() for path in map(Path, paths)):
        above = [parent / PLACEHOLDERS for parent in reversed(path.parents)]
        within = sorted(path.rglob(PLACEHOLDERS), key=_depth) if path.is_dir() else []
        for file in [*(file for file in above if file.is_file()), *within]:
            values.update(read_placeholders(file))
    return values


def _depth(file: Path) -> tuple[int, Path]:
    return len(file.parts), file


def read_placeholders(file: Path) -> dict[str, list[str]]:
    """Read a file of placeholders, name → value or values; raises InputError."""
    try:
        read = read_yaml(file.read_text(encoding="utf-8"))
        return {
            str(name): [str(value) for value in (given if isinstance(given, list) else [given])]
            for name, given in read.items()
        }
    except (OSError, ValueError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise InputError(
            f"not a mapping from placeholder to values: {str(error).partition(chr(10))[0]}",
            place=file,
            mend="name: [value, …]",
        ) from None


def _read(document: Document, errors: list[RuleError]) -> LoadedRule | SigmaFilter | None:
    """Read one document; None when it has faults, which are added to `errors`, all of them."""
    known = len(errors)
    parsed = parse_rule(document, errors)
    if "filter" in document.data:
        return parsed if isinstance(parsed, SigmaFilter) else None
    extension = read_extension(document, errors)
    errors += check_extension(document, extension, correlation="correlation" in document.data)
    if "correlation" not in document.data and (fault := check_logsource(document)):
        errors.append(fault)
    if len(errors) > known or parsed is None or isinstance(parsed, SigmaFilter):
        return None
    return LoadedRule(parsed, document, extension)


def _unfiltered(document: Document, wanted: SigmaFilter, rules: list[LoadedRule]) -> Iterator[RuleError]:
    """Give a fault for each rule that a filter names but cannot change."""
    if isinstance(wanted.filter.rules, str):  # any
        return
    for position, reference in enumerate(wanted.filter.rules):
        name = reference.reference
        named = [rule for rule in rules if name in (str(rule.sigma.id), rule.sigma.name)]
        if not named:
            cause, mend = f"names rule {name!r}, which is not there or has faults", "check the name or id"
        elif isinstance(named[0].sigma, SigmaCorrelationRule):
            cause, mend = f"names {name!r}, which is a correlation", "filter the rules that it joins"
        elif named[0].sigma.logsource not in wanted.logsource:
            cause, mend = f"names {name!r}, which is of another log source", "give the filter the rule's"
        else:
            continue
        yield document.fault(cause, "filter", "rules", position, code="reference", mend=mend)


def _unique(rules: list[LoadedRule], errors: list[RuleError]) -> list[LoadedRule]:
    """Refuse a second rule with the id or name of another: a reference, or a finding, would mean either."""
    kept = []
    taken: dict[str, LoadedRule] = {}
    for rule in rules:
        names = {key: str(value) for key in ("id", "name") if (value := getattr(rule.sigma, key))}
        names = names or {"title": rule.sigma.title}  # which stands in for them
        clash = next(((key, taken[name]) for key, name in names.items() if name in taken), None)
        if clash:
            key, other = clash
            errors.append(
                rule.document.fault(
                    f"{key} is already taken by {other.document.place(key)}",
                    key,
                    code=f"duplicate-{key}",
                    mend="give it its own",
                )
            )
            continue
        taken.update(dict.fromkeys(names.values(), rule))
        kept.append(rule)
    return kept


def _resolve(rules: list[LoadedRule], errors: list[RuleError]) -> list[LoadedRule]:
    """Bind correlations to the rules they name, and order rules so that the named come first."""
    known = {str(name): rule for rule in rules for name in (rule.sigma.id, rule.sigma.name) if name}
    good: list[LoadedRule] = []
    state: dict[int, bool | None] = {}  # None while a rule is being looked at: meeting it again is a circle

    def visit(rule: LoadedRule) -> bool:
        if id(rule) in state:
            return bool(state[id(rule)])
        state[id(rule)] = None
        state[id(rule)] = isinstance(rule.sigma, SigmaRule) or bind(rule)
        if state[id(rule)]:
            good.append(rule)
        return bool(state[id(rule)])

    def bind(rule: LoadedRule) -> bool:
        rule.steps = look_up(rule, step_names(rule), ("correlation", "rules"))
        absent = [(name, ("workbench", "absent", n)) for n, name in enumerate(rule.extension.absent)]
        rule.absent = look_up(rule, absent, ("workbench", "absent"))
        return len(rule.steps) == len(step_names(rule)) and len(rule.absent) == len(absent)

    def look_up(
        rule: LoadedRule, names: Sequence[tuple[str, tuple[Key, ...]]], where: tuple[Key, ...]
    ) -> list[LoadedRule]:
        found = []
        for name, keys in names:
            named = known.get(name) or known.get(name.lower())
            if named is None:
                cause, mend = f"names rule {name!r}, which is not there or has faults", "check the name or id"
            elif state.get(id(named), False) is None:
                cause, mend = f"names rule {name!r}, which names this one in turn", "break the circle"
            elif not visit(named):
                cause, mend = f"names rule {name!r}, which has faults", "mend that rule"
            else:
                found.append(named)
                continue
            errors.append(rule.document.fault(cause, *(keys or where), code="reference", mend=mend))
        return found

    for rule in rules:
        visit(rule)
    return good


def silent(rules: Iterable[LoadedRule]) -> set[int]:
    """Give the `id()` of the rules that make no finding by themselves among these: labels, and steps."""
    steps = {
        id(named)
        for rule in rules
        if isinstance(rule.sigma, SigmaCorrelationRule)
        for named in rule.absent + ([] if rule.sigma.generate else rule.steps)
    }
    return steps | {id(rule) for rule in rules if rule.extension.label}


def step_names(rule: LoadedRule) -> list[tuple[str, tuple[Key, ...]]]:
    """Give the names of the rules that a correlation joins, in order, with where they stand."""
    sigma = rule.sigma
    assert isinstance(sigma, SigmaCorrelationRule)
    if sigma.rules is None:
        assert isinstance(sigma.condition, SigmaExtendedCorrelationCondition)
        return [(name, ("correlation", "condition")) for name in sigma.condition.get_referenced_rules()]
    return [(step.reference, ("correlation", "rules", position)) for position, step in enumerate(sigma.rules)]
