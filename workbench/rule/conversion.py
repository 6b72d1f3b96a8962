"""Rules for other engines, through whatever pySigma backends are installed; and the plan itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.plugins import InstalledSigmaPlugins

from workbench.errors import InputError
from workbench.rule.lower import lower
from workbench.rule.ruleset import LoadedRule, load, read_placeholders


def convert_rules(paths: list[Path], backend: str, placeholders: Path | None = None) -> Iterator[str]:
    """Give the queries of rules for a backend, or their plan as JSON for `plan`.

    Raises InputError for a backend that is not installed and for rules that it cannot express, and
    RuleErrors.
    """
    ruleset = load(paths, placeholders=read_placeholders(placeholders) if placeholders else None)
    if backend == "plan":
        yield msgspec.json.format(msgspec.json.encode(lower(ruleset)), indent=2).decode()
        return
    engine = _backend(backend)
    collection = SigmaCollection([rule.sigma for rule in ruleset.rules])
    for rule in ruleset.rules:
        _refuse_ours(rule, backend)
    try:
        yield from (str(query) for query in engine.convert(collection))
    except (SigmaError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"backend {backend} cannot express the rules: {error}", mend="leave them out"
        ) from None


def _backend(name: str) -> Any:
    installed = InstalledSigmaPlugins.autodiscover().backends
    if name not in installed:
        names = ", ".join(sorted([*installed, "plan"]))
        raise InputError(f"no backend {name!r}", mend=f"one of {names}; or install pysigma-backend-{name}")
    backend: Any = installed[name]
    return backend()


def _refuse_ours(rule: LoadedRule, backend: str) -> None:
    """Refuse what would mean something else without the `workbench:` key."""
    extension = rule.extension
    if extension.absent or extension.linked_by not in (None, "session") or extension.label:
        raise rule.document.fault(
            f"{backend} knows nothing of absent, linked_by and label",
            "workbench",
            code="workbench",
            mend="leave the rule out",
        )
