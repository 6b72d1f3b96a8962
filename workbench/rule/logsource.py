"""Sigma's log sources: which kinds of events a rule is about."""

from __future__ import annotations

from sigma.exceptions import SigmaError
from sigma.rule import SigmaLogSource

from workbench.errors import RuleError
from workbench.fields import ACTIONS
from workbench.rule.document import Document
from workbench.scorer.kind import SUCCESS


def _all(category: str) -> tuple[str, ...]:
    return tuple(f"{category}/{action}" for action in ACTIONS[category])


CATEGORIES: dict[str, tuple[str, ...]] = {
    "process_creation": ("process/exec" + SUCCESS,),
    "process_termination": ("process/exit",),
    "file_access": ("file/open", "file/read"),
    "file_event": ("file/create", "file/write"),
    "file_change": ("file/chmod", "file/chown"),
    "file_rename": ("file/rename",),
    "file_delete": ("file/delete",),
    "network_connection": ("network/connect", "network/accept"),
    "dns_query": ("network/dns",),
    "agent_activity": _all("agent"),
    "agent_control": _all("control"),
}
"""Sigma category → the kinds of events it selects; a failed exec creates nothing."""

PRODUCTS = ("linux", "macos")


def check_logsource(document: Document) -> RuleError | None:
    """Give the fault of a log source that no source of events fills; None when it can be honoured."""
    try:
        source = SigmaLogSource.from_dict(document.data["logsource"])
    except (SigmaError, KeyError, AttributeError, TypeError):
        return None  # malformed, which the parser reports
    if source.product not in (None, *PRODUCTS):
        return document.fault(
            f"no source sees events of product {source.product!r}",
            "logsource",
            "product",
            code="logsource-product",
            mend="linux, macos, or leave product out",
        )
    if source.service is not None and (source.product, source.service) != ("linux", "auditd"):
        return document.fault(
            f"no source writes the log of service {source.service!r}",
            "logsource",
            "service",
            code="logsource-service",
            mend="use a category; the only service is linux's auditd",
        )
    if source.category is not None and source.category not in CATEGORIES:
        return document.fault(
            f"no source fills category {source.category!r}",
            "logsource",
            "category",
            code="logsource-category",
            mend="one of " + ", ".join(CATEGORIES),
        )
    return None


def kinds_of(source: SigmaLogSource) -> tuple[str, ...]:
    """Give the kinds of events that a log source selects; none means every kind.

    >>> kinds_of(SigmaLogSource(category="file_access")), kinds_of(SigmaLogSource(product="linux"))
    (('file/open', 'file/read'), ())
    """
    return CATEGORIES.get(source.category or "", ())


def is_auditd(source: SigmaLogSource) -> bool:
    """Whether rules of this log source read auditd's records."""
    return source.service == "auditd"
