"""Labelled files, pipes, sockets and memfds, known by device and inode, or by path for want of an inode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.enrich.taint import Hop, Step, Taint, Ways

_MAX_PIPES = 4_096
_MAX_READERS = 4
Reader = tuple[str, int, Hop]


class Things:
    """What holds labelled data outside processes. Paths are names of things and never hold data themselves.

    A deleted file keeps its labels, since it may still be open; its inode's next file starts without them.
    """

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self._taints: Bounded[str, Taint] = Bounded(cap)
        self._paths: Bounded[str, str] = Bounded(cap)
        self._gone: Bounded[str, bool] = Bounded(cap)
        self._readers: Bounded[str, list[Reader]] = Bounded(_MAX_PIPES)

    @property
    def evicted(self) -> int:
        """How many labelled things were forgotten for lack of room."""
        return self._taints.evicted

    def key(self, event: Mapping[str, Any]) -> str:
        """Name the thing that a file event is about; "" when the event tells neither inode nor path.

        >>> things = Things(8)
        >>> things.key({"file.inode": "7", "file.device": "8:1"}), things.key({"file.path": "/a"})
        ('8:1#7', '/a')
        """
        inode = event.get("file.inode")
        if inode is not None:
            return f"{event.get('file.device', '')}#{inode}"
        path: str = event.get("file.path", "")
        return self._paths.peek(path) or path

    def get(self, event: Mapping[str, Any]) -> Taint | None:
        """Give what the event's thing holds, or None; one labelled by its path is its inode's from now on."""
        if not len(self._taints):
            return None
        key, path = self.key(event), event.get("file.path", "")
        taint = self._taints.get(key)
        if taint is None and path != key and (taint := self._taints.pop(path)) is not None:
            self._taints.put(key, taint)
            self._paths.put(path, key)
        return taint

    def add(self, event: Mapping[str, Any], steps: Iterable[tuple[str, Step]]) -> None:
        """Add labels to the event's thing."""
        key = self.key(event)
        if not key:
            return
        taint = self._taints.get(key)
        if taint is None:
            taint = Taint()
            self._taints.put(key, taint)
        for label, step in steps:
            taint.add(label, step)
        if (path := event.get("file.path")) and path != key:
            self._paths.put(path, key)

    def emptied(self, event: Mapping[str, Any]) -> None:
        """Note that a thing was cut to nothing, so that what it held is gone."""
        self._taints.pop(self.key(event))

    def created(self, event: Mapping[str, Any]) -> None:
        """Note a new file: an inode used again holds nothing of the file that had it before."""
        key = self.key(event)
        if self._gone.pop(key):
            self._taints.pop(key)
        if (path := event.get("file.path")) and path != key:
            self._taints.pop(path)

    def renamed(self, event: Mapping[str, Any]) -> None:
        """Let the new path name what the old one did; what the new path named before is gone from it."""
        old, new = event.get("file.original.path", ""), event.get("file.path", "")
        key = self._paths.pop(old)
        moved = self._taints.pop(old) if key is None else None
        self._paths.pop(new)
        if "file.inode" not in event:
            self._taints.pop(new)
        if key is not None:
            self._paths.put(new, key)
        elif moved is not None:
            self._taints.put(new, moved)

    def linked(self, event: Mapping[str, Any]) -> None:
        """Let a hard or symbolic link name the same thing as its target."""
        old, new = event.get("file.original.path", ""), event.get("file.path", "")
        key = self._paths.peek(old) or (old if old in self._taints else None)
        if key is not None and new:
            self._paths.put(new, key)

    def deleted(self, event: Mapping[str, Any]) -> None:
        """Note that a path is gone; its file may live on under another name or in an open descriptor."""
        key = self.key(event)
        self._paths.pop(event.get("file.path", ""))
        if key in self._taints:
            self._gone.put(key, True)

    def note_reader(self, event: Mapping[str, Any], entity: str, end: int, hop: Hop) -> None:
        """Remember who read a pipe, for a labelled write that is told only afterwards."""
        key = self.key(event)
        readers = self._readers.get(key)
        if readers is None:
            readers = []
            self._readers.put(key, readers)
        readers[:] = [*(reader for reader in readers if reader[0] != entity), (entity, end, hop)][
            -_MAX_READERS:
        ]

    def readers(self, event: Mapping[str, Any]) -> list[Reader]:
        """Give who read the event's pipe."""
        return self._readers.get(self.key(event)) or []

    def snapshot(self, ways: Ways) -> dict[str, Any]:
        """Give the state as plain data; who read which pipe is not kept."""
        return {
            "taints": [[key, ways.write(taint)] for key, taint in self._taints.items()],
            "paths": dict(self._paths.items()),
            "gone": [key for key, _ in self._gone.items()],
            "evicted": self.evicted,
        }

    def restore(self, data: Mapping[str, Any], ways: Ways) -> None:
        """Take up the state that `snapshot` gave."""
        for state in (self._taints, self._paths, self._gone, self._readers):
            state.clear()
        for key, labels in data["taints"]:
            self._taints.put(key, ways.read(labels))
        for path, key in data["paths"].items():
            self._paths.put(path, key)
        for key in data["gone"]:
            self._gone.put(key, True)
        self._taints.evicted = data["evicted"]
