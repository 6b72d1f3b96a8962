"""The `workbench:` key of a rule: what Sigma cannot say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from workbench.errors import RuleError
from workbench.printable import uncapitalised
from workbench.rule.document import Document, Key
from workbench.scorer.plan import Level, Response, Signal

RISK: dict[Level, int] = {"informational": 5, "low": 20, "medium": 45, "high": 70, "critical": 90}
"""The risk of a rule that does not give its own, by level."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Note = Annotated[str, msgspec.Meta(max_length=1000)]

PROSE = frozenset({"blind_spots", "triage", "recordings", "twins"})
"""Keys that tell people something and leave what the rule means as it is."""


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a rule says under `workbench:`; every key may be left out."""

    signal: Annotated[
        Signal,
        msgspec.Meta(description="which of the four signals the rule belongs to; pattern when left out"),
    ] = "pattern"
    risk: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=100)] | None,
        msgspec.Meta(description="weight before calibration; by level when left out"),
    ] = None
    response: Annotated[
        Response, msgspec.Meta(description="what a finding asks for; alert when left out")
    ] = "alert"
    false_positive_budget: Annotated[
        Annotated[float, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(description="findings allowed per 1,000 benign sessions"),
    ] = None
    label: Annotated[
        str,
        msgspec.Meta(
            max_length=64,
            pattern="^[a-z][a-z0-9_]*$|^$",
            description="makes a matching event a provenance source",
        ),
    ] = ""
    absent: Annotated[
        list[Text],
        msgspec.Meta(description="correlation: rules that must not match before the window closes"),
    ] = []
    linked_by: Annotated[
        Literal["session", "tool_call", "lineage", "provenance"] | None,
        msgspec.Meta(
            description="correlation: what ties the events together; session when there is no group-by"
        ),
    ] = None
    blind_spots: Annotated[list[Text], msgspec.Meta(description="what the rule cannot see")] = []
    triage: Annotated[Note, msgspec.Meta(description="what to look at first, what to do")] = ""
    recordings: Annotated[
        list[Text], msgspec.Meta(description="recordings that prove it fires; `workbench prove` writes them")
    ] = []
    twins: Annotated[
        list[Text],
        msgspec.Meta(description="benign twins that it leaves alone; `workbench prove` writes them"),
    ] = []


def read_extension(document: Document, errors: list[RuleError]) -> Extension:
    """Read a document's `workbench:` key; what is wrong with any of its keys is added to `errors`."""
    raw = document.data.get("workbench", {})
    parts = [((key,), {key: value}) for key, value in raw.items()] if isinstance(raw, dict) else [((), raw)]
    faults = []
    for key, part in parts:
        try:
            msgspec.convert(part, Extension)
        except msgspec.ValidationError as error:
            faults.append(_fault(document, key, str(error)))
    errors += faults
    return Extension() if faults else msgspec.convert(raw, Extension)


def _fault(document: Document, key: tuple[Key, ...], problem: str) -> RuleError:
    """Point at what msgspec found wrong below a key of `workbench:`."""
    message, _, path = problem.partition(" - at `$")
    keys = [part for part in path.rstrip("`").replace("[", ".[").split(".") if part]
    found = [int(part[1:-1]) if part[1:-1].isdigit() else part for part in keys] or key
    mend = "see the `workbench:` keys in docs/rules.md"
    return document.fault(uncapitalised(message), "workbench", *found, code="workbench", mend=mend)


def check_extension(document: Document, extension: Extension, *, correlation: bool) -> list[RuleError]:
    """Give the faults of keys that do not fit the kind of rule."""
    wrong = ("label",) if correlation else ("absent", "linked_by")
    kind = "a correlation" if correlation else "a detection"
    return [
        document.fault(
            f"{key} means nothing for {kind}", "workbench", key, code="workbench", mend="remove it"
        )
        for key in wrong
        if getattr(extension, key)
    ]
