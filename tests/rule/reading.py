"""A rule's text, read as a rule base is, with every fault that is found."""

from __future__ import annotations

from workbench.errors import RuleError
from workbench.rule.document import parse_documents
from workbench.rule.lower import lower_all
from workbench.rule.ruleset import from_documents


def faults(text: str) -> list[RuleError]:
    errors: list[RuleError] = []
    ruleset = from_documents(parse_documents(text, "r.yml", errors), errors=errors, strict=False)
    _, more = lower_all(ruleset)
    return [*ruleset.errors, *more]
