"""The field that a name in a rule means."""

from __future__ import annotations

from difflib import get_close_matches

from workbench.fields import FIELDS, SIGMA, resolve
from workbench.rule import unseen
from workbench.rule.values import ValueFault
from workbench.scorer import auditd


def field_of(name: str, *, audit: bool) -> str:
    """Give the event's field that a name means, or with `audit` that of auditd's records.

    A name that Sigma knows but no source sees stays as it is. Raises ValueFault when there is none.
    """
    if audit:
        known = name in auditd.FIELDS or name in unseen.AUDITD
        if known or (name[:1] == "a" and name[1:].isdecimal()):
            return name
        raise ValueFault(
            f"auditd's field {name!r} cannot be derived from any event",
            "field",
            "see the auditd view in docs/rules.md, or use a category",
        )
    field = resolve(name) or (name if name in unseen.SIGMA else None)
    if field is None:
        close = get_close_matches(name, [*SIGMA, *FIELDS], 1)
        raise ValueFault(
            f"no source fills the field {name!r}",
            "field",
            f"did you mean {close[0]}?" if close else "see the table of fields",
        )
    return field
