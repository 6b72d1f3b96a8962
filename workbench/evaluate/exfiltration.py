"""The event by which a secret left, read off the labels: the first that can carry data out."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.event import Event

# Exfiltration over DNS leaves as questions; in all else those only find the way.
_BY_DNS = "T1048.003"
_BY_NAME = ("AML.T0086", "AML.T0025")
_EXFILTRATION = ("T1020", "T1030", "T1041", "T1048", "T1052", "T1537", "T1567", *_BY_NAME)
"""Techniques of ATT&CK's Exfiltration (TA0010) and of ATLAS's (AML.TA0010)."""
_CARRIES = ("send", "http_request", "tls_client_hello")


def is_exfiltration(techniques: Sequence[str]) -> bool:
    """Whether any technique, or what it is a part of, takes data out.

    >>> is_exfiltration(["T1552.001", "T1567.001"]), is_exfiltration(["T1552.001"])
    (True, False)
    """
    return any(one in _EXFILTRATION or one.partition(".")[0] in _EXFILTRATION for one in techniques)


def leaves(event: Event, techniques: Sequence[str]) -> bool:
    """Whether a malicious event with these techniques is the kind that carries data out of the host.

    It is a send, a request or a TLS hello to another host; a DNS question where the technique is
    exfiltration over another protocol (T1048.003), and that alone is not looked up on the way to the host.

    >>> hello = {"event.category": "network", "event.action": "tls_client_hello", "destination.port": 443}
    >>> leaves(hello, ["T1041"]), leaves(hello | {"destination.port": 53}, ["T1041"])
    (True, False)
    """
    if event.get("event.category") != "network" or not is_exfiltration(techniques):
        return False
    if str(event.get("destination.ip", "")).startswith("127.") or event.get("destination.ip") == "::1":
        return False
    action, to_resolver = event.get("event.action"), event.get("destination.port") == 53
    if _BY_DNS in techniques and (action == "dns" or to_resolver):
        return action in ("dns", "send")
    return action in _CARRIES and not to_resolver and "destination.port" in event
