"""Everything the workbench raises on purpose.

    WorkbenchError                 one clear line: where, what, and how to mend it
    ├── InputError                 a file or argument that cannot be used
    │   ├── EventError             an event that is not one
    │   ├── RecordingError         a recording or dataset that cannot be read
    │   └── RuleError              a rule that cannot be honoured (many are collected in RuleErrors)
    ├── PackError                  a pack that must not be loaded
    │   ├── SignatureError         unknown signer, changed or cut content
    │   └── PackVersionError       newer format, newer scorer needed, or expired
    ├── CaptureError               a source that cannot run here
    └── GateError                  a policy that was not met

The command line prints an error's text and exits 2; anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.printable import printable, printable_line


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a fault lies: line and column count from 1, 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as `path:line:column`, leaving out what is unknown.

        >>> str(Place("rules/a.yml", 12, 5)), str(Place("rules/a.yml"))
        ('rules/a.yml:12:5', 'rules/a.yml')
        """
        return ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])


class WorkbenchError(Exception):
    """A fault with its place, its cause and its mend, told in one line.

    >>> str(InputError("no such file", place=Place("x.pack"), mend="check the path"))
    'x.pack: no such file (mend: check the path)'
    """

    def __init__(self, cause: str, *, place: Place | Path | str | None = None, mend: str = "") -> None:
        self.cause = cause
        self.place = place if isinstance(place, Place) or place is None else Place(str(place))
        self.mend = mend
        super().__init__(self._line())

    def _line(self) -> str:
        where = printable_line(f"{self.place}: ") if self.place else ""
        mend = f" (mend: {self.mend})" if self.mend else ""
        return printable(f"{where}{self.cause}{mend}")


class InputError(WorkbenchError):
    """A file or argument that cannot be used."""


class EventError(InputError):
    """An event that is not one."""


class RecordingError(InputError):
    """A recording or dataset that cannot be read."""


class RuleError(InputError):
    """A rule that cannot be honoured: `code` names the kind of fault, `excerpt` shows it with a caret."""

    def __init__(
        self,
        cause: str,
        *,
        code: str,
        place: Place | Path | str | None = None,
        mend: str = "",
        excerpt: str = "",
    ) -> None:
        self.code = code
        self.excerpt = excerpt
        super().__init__(cause, place=place, mend=mend)

    def _line(self) -> str:
        line = super()._line()
        head, _, rest = line.partition(": ") if self.place else ("", "", line)
        coded = f"{head}: [{self.code}] {rest}" if head else f"[{self.code}] {rest}"
        return f"{coded}\n{self.excerpt}" if self.excerpt else coded


class RuleErrors(InputError):
    """Every fault of every rule of one run, reported together."""

    def __init__(self, errors: Sequence[RuleError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


class Faults:
    """The faults of one input: the first few are kept, the others counted, so that no input fills the memory.

    >>> faults = Faults()
    >>> for line in (2, 3, 5, 8):
    ...     faults.add(InputError("not an event", place=Place("a.jsonl", line)))
    >>> str(faults).splitlines()
    ['a.jsonl:2: not an event', 'a.jsonl:3: not an event', 'a.jsonl:5: not an event', 'and 1 more']
    """

    _MOST = 3

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, fault: InputError) -> None:
        """Take one more."""
        self._count += 1
        if len(self._first) < self._MOST:
            self._first.append(str(fault))

    def __len__(self) -> int:
        """Count them."""
        return self._count

    def __str__(self) -> str:
        """Give the first, a line each, and how many more there are."""
        more = self._count - len(self._first)
        return "\n".join([*self._first, *([f"and {more} more"] if more else [])])


class PackError(WorkbenchError):
    """A pack that must not be loaded."""


class SignatureError(PackError):
    """The pack's signer is unknown, or its content was changed or cut after signing."""


class PackVersionError(PackError):
    """The pack asks for a newer format or scorer than this one, or has expired."""


class CaptureError(WorkbenchError):
    """A source of events that cannot run here."""


class GateError(WorkbenchError):
    """A policy that a pack did not meet."""
