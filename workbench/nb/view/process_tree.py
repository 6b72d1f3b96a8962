"""A session's process tree, with tool calls and findings: it folds in a notebook, and is text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from workbench.event import Event
from workbench.nb.view.figure import cut
from workbench.nb.view.page import page
from workbench.nb.view.plain import plain
from workbench.printable import printable
from workbench.scorer import Finding

SHOWN = 1_000
_WIDTH = 110
_UNFOLDED = 150  # a larger tree is shown folded where nothing was found
_DEEPEST = 60  # deeper nesting is drawn at this depth


@dataclass
class _Node:
    command: str
    call: str = ""
    events: int = 0
    rules: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


class ProcessTree:
    """Processes of enriched events, nested; shows at most `SHOWN` and says so.

    Every text of the recording is escaped: a file name cannot become markup.
    """

    def __init__(self, events: Iterable[Event], findings: Sequence[Finding] = ()) -> None:
        self.nodes: dict[str, _Node] = {}
        self.roots: list[str] = []
        self._parent: dict[str, str] = {}
        for event in events:
            self._add(event)
        self._marked: set[str] = set()
        for finding in findings:
            if finding.entity_id in self.nodes:
                self.nodes[finding.entity_id].rules.append(finding.rule_title)
                self._mark(finding.entity_id)

    def _add(self, event: Event) -> None:
        entity = str(event.get("process.entity_id", ""))
        if not entity or event["event.category"] in ("agent", "control"):
            return
        node = self.nodes.get(entity)
        if node is None:
            node = self.nodes[entity] = _Node("")
            above = str(event.get("process.parent.entity_id", ""))
            parent = self.nodes.get(above)
            (parent.children if parent else self.roots).append(entity)
            if parent:
                self._parent[entity] = above
        node.events += 1
        if event["event.action"] == "exec" or not node.command:
            node.call = str(event.get("gen_ai.tool.call.id", ""))
            node.command = str(event.get("process.command_line") or event.get("process.name") or "?")

    def _mark(self, entity: str) -> None:
        """Remember that this process, or one below it, has a finding: it is shown unfolded."""
        while entity and entity not in self._marked:
            self._marked.add(entity)
            entity = self._parent.get(entity, "")

    def _walk(self) -> Iterator[tuple[int, str, _Node]]:
        """Give the processes to show, parents first, with their depth."""
        stack = [(0, entity) for entity in reversed(self.roots)]
        for _ in range(SHOWN):
            if not stack:
                return
            depth, entity = stack.pop()
            node = self.nodes[entity]
            yield depth, entity, node
            stack.extend((depth + 1, child) for child in reversed(node.children))

    def __repr__(self) -> str:
        """Draw the tree as indented text."""
        drawn: list[str] = []
        for depth, _, node in self._walk():
            rules = printable(f"  ⚠ {', '.join(node.rules)}") if node.rules else ""
            call = printable(f"  [{node.call}]") if node.call else ""
            drawn.append(f"{'  ' * depth}{_line(node.command)}{call}{rules}")
        return "\n".join([*drawn, *self._rest()])

    def _repr_html_(self) -> str:
        shown = list(self._walk())
        unfold = len(self.nodes) <= _UNFOLDED
        parts: list[str] = []
        open_at: list[int] = []  # depths of the <details> that are open
        for number, (depth, entity, node) in enumerate(shown):
            level = min(depth, _DEEPEST)
            while open_at and open_at[-1] >= level:
                parts.append("</details>")
                open_at.pop()
            parent_of_next = number + 1 < len(shown) and shown[number + 1][0] > depth
            if parent_of_next and level < _DEEPEST:
                state = " open" if unfold or entity in self._marked or depth < 2 else ""
                parts.append(f"<details{state}><summary>{_cells(node)}</summary>")
                open_at.append(level)
            else:
                parts.append(f'<div class="leaf">{_cells(node)}</div>')
        parts.append("</details>" * len(open_at))
        parts += [f"<p>{line}</p>" for line in self._rest()]
        return page("".join(parts), "process tree")

    def _rest(self) -> list[str]:
        rest = len(self.nodes) - SHOWN
        return [f"… {rest} more processes are not shown"] if rest > 0 else []


def _cells(node: _Node) -> str:
    call = f' <span class="call" title="{plain(node.call)}">[{plain(cut(node.call, 12))}]</span>'
    count = f' <span class="dim">{node.events}</span>'
    rules = "".join(f' <span class="hit">⚠ {plain(rule)}</span>' for rule in node.rules)
    return f"{plain(_line(node.command))}{count}{call if node.call else ''}{rules}"


def _line(text: str) -> str:
    return cut(printable(" ".join(text.split())), _WIDTH)
