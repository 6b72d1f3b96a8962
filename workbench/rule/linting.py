"""Linting: what is wrong with rules, and what is doubtful, all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import typer

from workbench.errors import InputError, RuleError
from workbench.output import show_json
from workbench.printable import counted, printable
from workbench.rule.beside import TESTS, Bench, cases_beside
from workbench.rule.checks import check_rule
from workbench.rule.checks_in_plan import check_in_plan
from workbench.rule.lock import check_lock, write_lock
from workbench.rule.lower import lower_all
from workbench.rule.ruleset import LoadedRule, load, read_placeholders
from workbench.scorer.plan import decode_plan

LOCK = "versions.lock"


class Report(msgspec.Struct):
    """What was found: `errors` in rules that cannot be honoured, `warnings` for rules to be mended."""

    errors: list[RuleError]
    warnings: list[RuleError]
    rules: int = 0
    tests: int = 0


def lint_paths(
    paths: list[Path], placeholders: Path | None = None, lock: Path | None = None, *, update: bool = False
) -> Report:
    """Lint rule files and directories; a `versions.lock` in a directory is held against its rules.

    Raises InputError for a path that is not there.
    """
    values = read_placeholders(placeholders) if placeholders else None
    ruleset = load(paths, placeholders=values, strict=False)
    data, faults = lower_all(ruleset)
    plan = decode_plan(data)
    report = Report([*ruleset.errors, *faults], [], len(plan.rules))
    for rule in ruleset.rules:
        report.warnings += check_rule(rule)
    report.warnings += check_in_plan(plan, ruleset.rules)
    bench = Bench(plan)
    for test, rules in cases_beside(ruleset).items():
        report.tests += 1
        report.errors += bench.run_file(test, rules)
    untested = bench.untested(ruleset.rules)
    if untested:
        report.warnings.append(_no_test(untested))
    lock = lock or next((path / LOCK for path in paths if (path / LOCK).is_file()), None)
    if update:
        write_lock(lock or _lock_for(paths), ruleset)
    elif lock:
        report.errors += check_lock(lock, ruleset)
    return report


def _no_test(rules: list[LoadedRule]) -> RuleError:
    """Say once of all rules that lack one what would otherwise drown the rest."""
    fired = "1 rule is" if len(rules) == 1 else f"{len(rules)} rules are"
    first = f"{rules[0].sigma.title!r} of {Path(rules[0].document.path).name}"
    mend = f"put NAME{TESTS} beside NAME.yml, or let `workbench witness` write it; first {first}"
    return RuleError(f"{fired} fired by no test", code="no-test", mend=mend)


def _lock_for(paths: list[Path]) -> Path:
    directory = next((path for path in paths if path.is_dir()), None)
    if directory is None:
        raise InputError("no directory to put versions.lock in", mend="give --lock FILE")
    return directory / LOCK


def report(found: Report, *, strict: bool = False, format: str = "text") -> int:
    """Print what was found; gives the exit status: 1 for errors, and for warnings when `strict`."""
    if format == "json":
        show_json(list(_plain(found)))
    else:
        for kind, faults in (("error", found.errors), ("warning", found.warnings)):
            for fault in faults:
                typer.echo(printable(f"{kind}: {fault}"))
        typer.echo(
            f"{counted(found.rules, 'rule')}, {counted(found.tests, 'test')}: "
            f"{counted(len(found.errors), 'error')}, {counted(len(found.warnings), 'warning')}"
        )
    return 1 if found.errors or (strict and found.warnings) else 0


def _plain(found: Report) -> Iterator[dict[str, object]]:
    graded: Iterable[tuple[str, list[RuleError]]] = (("error", found.errors), ("warning", found.warnings))
    for grade, faults in graded:
        for fault in faults:
            place = fault.place
            yield {
                "severity": grade,
                "code": fault.code,
                "path": place.path if place else "",
                "line": place.line if place else 0,
                "column": place.column if place else 0,
                "cause": fault.cause,
                "mend": fault.mend,
            }
