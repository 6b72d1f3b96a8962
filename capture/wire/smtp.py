"""The envelope of a mail (RFC 5321): whom it says it is from, and whom it goes to."""

from __future__ import annotations

import re

from workbench.event import Value

_PATH = rb"""<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>|([^<>\s]+)"""
_COMMAND = re.compile(
    rb"(MAIL FROM|RCPT TO):[ \t]*(?:" + _PATH + rb")(?:[ \t].*)?", re.IGNORECASE | re.DOTALL
)
_MAIL_ITSELF = (b"DATA", b"BDAT")
_MOST = 100


def envelope(data: bytes) -> dict[str, Value] | None:
    r"""Give the fields of the MAIL and RCPT commands of a message that begins with one; None for any other.

    Of a pipeline all are read, up to what carries the mail itself, and at most 100 recipients.

    >>> envelope(b"MAIL FROM:<ada@a.example> SIZE=9\r\nRCPT TO:<team@b.example>\r\nDATA\r\n")
    {'email.sender.address': 'ada@a.example', 'email.to.address': ['team@b.example']}
    """
    fields: dict[str, Value] = {}
    recipients: list[str] = []
    for number, line in enumerate(data.splitlines()):
        command = _COMMAND.fullmatch(line)
        if command is None and (number == 0 or line[:4].upper() in _MAIL_ITSELF):
            break
        if command is None or len(recipients) >= _MOST:
            continue
        verb, bracketed, bare = command.groups()
        path = (bare if bracketed is None else bracketed).decode(errors="replace")
        if path and verb.upper() == b"RCPT TO":
            recipients.append(path)
        elif path:
            fields["email.sender.address"] = path
    if recipients:
        fields["email.to.address"] = recipients
    return fields or None
