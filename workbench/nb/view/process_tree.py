"""A session's process tree, with tool calls and findings, as static HTML and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from workbench.event import Event
from workbench.printable import printable
from workbench.scorer import Finding

SHOWN = 400
_WIDTH = 100

_STYLE = """<style>
.wb-tree ul{list-style:none;margin:0;padding-left:1.2em;border-left:1px solid currentColor}
.wb-tree{font:13px/1.5 ui-monospace,monospace;color:inherit}
.wb-tree .call{opacity:.7}.wb-tree .hit{font-weight:bold;text-decoration:underline}
</style>"""


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
        for event in events:
            self._add(event)
        for finding in findings:
            if finding.entity_id in self.nodes:
                self.nodes[finding.entity_id].rules.append(finding.rule_title)

    def _add(self, event: Event) -> None:
        entity = str(event.get("process.entity_id", ""))
        if not entity or event["event.category"] in ("agent", "control"):
            return
        node = self.nodes.get(entity)
        if node is None:
            node = self.nodes[entity] = _Node("")
            parent = self.nodes.get(str(event.get("process.parent.entity_id", "")))
            (parent.children if parent else self.roots).append(entity)
        node.events += 1
        if event["event.action"] == "exec" or not node.command:
            node.call = str(event.get("gen_ai.tool.call.id", ""))
            node.command = str(event.get("process.command_line") or event.get("process.name") or "?")

    def _walk(self) -> Iterator[tuple[int, _Node]]:
        stack = [(0, entity) for entity in reversed(self.roots)]
        while stack:
            depth, entity = stack.pop()
            node = self.nodes[entity]
            yield depth, node
            stack.extend((depth + 1, child) for child in reversed(node.children))

    def __repr__(self) -> str:
        """Draw the tree as indented text."""
        lines: list[str] = []
        for depth, node in self._walk():
            if len(lines) == SHOWN:
                break
            rules = printable(f"  ⚠ {', '.join(node.rules)}") if node.rules else ""
            call = printable(f"  [{node.call}]") if node.call else ""
            lines.append(f"{'  ' * depth}{_cut(node.command)}{call}{rules}")
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        parts, depth = [_STYLE, '<div class="wb-tree" role="tree"><ul>'], 0
        for number, (level, node) in enumerate(self._walk()):
            if number == SHOWN:
                break
            parts.append("<ul>" * (level - depth) + "</ul>" * (depth - level))
            depth = level
            call = f' <span class="call">[{escape(node.call)}]</span>' if node.call else ""
            rules = "".join(f' <span class="hit">⚠ {escape(rule)}</span>' for rule in node.rules)
            parts.append(
                f'<li role="treeitem" title="{node.events} events">'
                f"{escape(_cut(node.command))}{call}{rules}</li>"
            )
        parts.append("</ul>" * (depth + 1))
        return "".join(parts) + "".join(f"<p>{line}</p>" for line in self._rest()) + "</div>"

    def _rest(self) -> list[str]:
        rest = len(self.nodes) - SHOWN
        return [f"… {rest} more processes are not shown"] if rest > 0 else []


def _cut(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
