"""The envelope of a mail (RFC 5321): whom it says it is from, and whom it goes to."""

from __future__ import annotations

import re

from workbench.event import Value

_COMMAND = re.compile(
    rb"(MAIL FROM|RCPT TO):[ ]?<([^<>\r\n]{0,320})>[^\r\n]{0,512}(?:\r?\n|$)", re.IGNORECASE
)
_MOST = 100


def envelope(data: bytes) -> dict[str, Value] | None:
    r"""Give the fields of the MAIL and RCPT commands that a message begins with; None when there are none.

    >>> envelope(b"MAIL FROM:<ada@a.example> SIZE=9\r\nRCPT TO:<team@b.example>\r\nDATA\r\n")
    {'email.sender.address': 'ada@a.example', 'email.to.address': ['team@b.example']}
    """
    fields: dict[str, Value] = {}
    recipients: list[str] = []
    at = 0
    while len(recipients) < _MOST and (command := _COMMAND.match(data, at)):
        at = command.end()
        verb, path = command[1].upper(), command[2].decode(errors="replace")
        if verb == b"RCPT TO":
            recipients.append(path)
        elif path:
            fields["email.sender.address"] = path
    if recipients:
        fields["email.to.address"] = recipients
    return fields or None
