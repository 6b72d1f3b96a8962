"""The text that strace writes (`-f -ttt -yy`), line by line."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"(\d+) +(\d+)\.(\d{6}) (.*)", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
_END = re.compile(
    r"\) += (-?\d+|0x[0-9a-f]+|\?)(<(?:->|[^<>]|<[^<>]*>)*>)?(?: ([A-Z0-9]+) \(.*\))?.*$", re.DOTALL
)
_UNFINISHED = " ...>"  # `<unfinished ...>`, or `<pid changed to 7 ...>` of a thread that executes a program
_ESCAPES = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, '"': 34, "\\": 92, "0": 0}
_OPENING, _CLOSING = "([{", ")]}"


class Call(NamedTuple):
    """A system call that returned; `result` is what the returned descriptor stands for."""

    pid: int
    time: int
    name: str
    arguments: list[str]
    ret: int
    result: str
    error: str


class Ended(NamedTuple):
    """A thread that ended: its exit code, or the name of the signal that ended it."""

    pid: int
    time: int
    code: int
    signal: str


class Signalled(NamedTuple):
    """A signal that was delivered."""

    pid: int
    time: int
    name: str
    sender: int
    user: bool


class Reader:
    """Puts together calls that strace told in two lines; `unread` counts lines that told nothing."""

    def __init__(self) -> None:
        self._unfinished: dict[int, str] = {}
        self.unread = 0

    def read(self, line: str) -> Call | Ended | Signalled | None:
        """Give what a line tells, None when that is nothing yet."""
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match is None:
            self.unread += bool(line.strip())
            return None
        pid, time, rest = int(match[1]), int(match[2] + match[3]) * 1000, match[4]
        if rest.startswith("+++ "):
            return self._ended(pid, time, rest)
        if rest.startswith("--- "):
            return _signalled(pid, time, rest)
        if rest.endswith(_UNFINISHED):
            self._unfinished[pid] = rest[: rest.rindex(" <")]
            return None
        if resumed := _RESUMED.match(rest):
            begun = self._unfinished.pop(pid, "")
            if not begun.startswith(f"{resumed[1]}("):
                self.unread += 1  # what it was called with was not told
                return None
            rest = begun + rest[resumed.end() :]
        return self._call(pid, time, rest)

    def _ended(self, pid: int, time: int, text: str) -> Ended:
        words = text.split()
        if words[1] == "superseded":
            # A thread executes a program: it takes over the number of the first, and its own is no more.
            thread = int(words[6])
            self._unfinished[pid] = self._unfinished.pop(thread, "")
            return Ended(thread, time, 0, "")
        self._unfinished.pop(pid, None)
        if words[1] == "exited":
            return Ended(pid, time, int(words[3]), "")
        return Ended(pid, time, 0, words[3])

    def _call(self, pid: int, time: int, text: str) -> Call | None:
        name, _, rest = text.partition("(")
        end = _END.search(rest)
        if end is None or end[1] == "?":
            return None
        return Call(
            pid,
            time,
            name,
            arguments(rest[: end.start()]),
            int(end[1], 0),
            descriptor(f"0{end[2]}")[1] if end[2] else "",
            end[3] or "",
        )


def _signalled(pid: int, time: int, text: str) -> Signalled | None:
    fields = dict(re.findall(r"(si_\w+)=(\w+)", text))
    if "si_code" not in fields:
        return None
    user = fields["si_code"] in ("SI_USER", "SI_TKILL", "SI_QUEUE")
    return Signalled(pid, time, text.split()[1], int(fields.get("si_pid", 0)), user)


def arguments(text: str) -> list[str]:
    r"""Split at the commas that stand in no bracket and no string.

    >>> arguments('3</a, b>, "x, \\"y", [1, 2], {a=1, b=2}')
    ['3</a, b>', '"x, \\"y"', '[1, 2]', '{a=1, b=2}']
    """
    parts: list[str] = []
    depth, start, at = 0, 0, 0
    while at < len(text):
        character = text[at]
        if character == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif character == "<" and at and (text[at - 1].isalnum()):
            end = text.find(">", at)
            # A socket's two ends are told as a->b within the angle brackets.
            while end > 0 and text[end - 1] == "-":
                end = text.find(">", end + 1)
            at = end if end > 0 else at
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


def unquote(text: str) -> bytes:
    r"""Read a string as strace writes it.

    >>> unquote('"a\\n\\303\\251\\x41"...'), unquote("NULL")
    (b'a\n\xc3\xa9A', b'')
    """
    if not text.startswith('"'):
        return b""
    out = bytearray()
    at = 1
    while at < len(text) and text[at] != '"':
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        if octal := re.compile(r"[0-7]{1,3}").match(text, at + 1):
            out.append(int(octal[0], 8) & 255)
            at = octal.end()
        elif text[at + 1 : at + 2] == "x":
            out.append(int(text[at + 2 : at + 4], 16))
            at += 4
        else:
            out.append(_ESCAPES.get(text[at + 1 : at + 2], 63))
            at += 2
    return bytes(out)


def strings(text: str) -> list[str]:
    """Read an array of strings.

    >>> strings('["ls", "-l"]')
    ['ls', '-l']
    """
    inner = text.strip().removeprefix("[").removesuffix("]")
    return [unquote(part).decode(errors="replace") for part in arguments(inner) if part.startswith('"')]


def descriptor(text: str) -> tuple[int, str]:
    """Read a descriptor and what it stands for.

    >>> descriptor("3</etc/hosts>"), descriptor("AT_FDCWD</srv>"), descriptor("-1")
    ((3, '/etc/hosts'), (-100, '/srv'), (-1, ''))
    """
    number, _, rest = text.partition("<")
    rest = re.sub(r">(\(deleted\))?$", "", rest)
    value = -100 if number == "AT_FDCWD" else int(number) if number.lstrip("-").isdigit() else -1
    return value, unquote(f'"{rest}"').decode(errors="replace")
