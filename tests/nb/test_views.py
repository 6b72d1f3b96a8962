"""Views escape what the recording says, keep a plain form, and say when they leave something out."""

from __future__ import annotations

import pytest

from workbench.event import Value
from workbench.nb.view import finding_table, process_tree, timeline
from workbench.nb.view.data_path import DataPath
from workbench.nb.view.finding_table import FindingTable
from workbench.nb.view.process_tree import ProcessTree
from workbench.nb.view.timeline import Timeline
from workbench.scorer import Finding

HOSTILE = "<script>alert(1)</script>[red]"


def execution(number: int, parent: int, command: str) -> dict[str, Value]:
    return {
        "@timestamp": number,
        "event.category": "process",
        "event.action": "exec",
        "process.entity_id": f"e{number}",
        "process.parent.entity_id": f"e{parent}",
        "process.command_line": command,
    }


def finding(number: int) -> Finding:
    return Finding(
        rule_id="r",
        rule_title=HOSTILE,
        level="high",
        signal="pattern",
        risk=80,
        response="alert",
        timestamp=number,
        event_id=str(number),
        entity_id=f"e{number}",
        reason=HOSTILE,
        provenance_path=[f"read /key → {HOSTILE} (0.95)", "write → /tmp/x (0.80)", "connect (no number)"],
    )


TREE = [execution(1, 0, "agent"), execution(2, 1, f"cat {HOSTILE}"), execution(3, 2, "curl")]


VIEWS = [ProcessTree(TREE, [finding(2)]), FindingTable([finding(2)]), DataPath(finding(2))]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_a_hostile_name_stays_text(view: ProcessTree | FindingTable | DataPath) -> None:
    assert "<script>" not in view._repr_html_()
    assert "&lt;script&gt;alert(1)" in view._repr_html_()
    assert "<script>alert" in repr(view)


def test_the_tree_nests_children_below_their_parents() -> None:
    lines = repr(ProcessTree(TREE)).splitlines()
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 2, 4]
    html = ProcessTree(TREE)._repr_html_()
    assert html.count("<ul>") == html.count("</ul>") == 3


def test_what_is_left_out_is_said() -> None:
    wide = [execution(1, 0, "agent"), *(execution(n, 1, "ls") for n in range(2, process_tree.SHOWN + 5))]
    assert "4 more processes are not shown" in repr(ProcessTree(wide))
    assert "4 more processes are not shown" in ProcessTree(wide)._repr_html_()
    many = [finding(n) for n in range(finding_table.SHOWN + 1)]
    assert "the first 1000 shown" in FindingTable(many)._repr_html_()


def test_a_very_deep_tree_is_drawn() -> None:
    deep = [execution(n, n - 1, "sh") for n in range(1, 3_000)]
    assert repr(ProcessTree(deep)).startswith("sh")


def test_the_weakest_hop_is_marked() -> None:
    assert repr(DataPath(finding(2))).splitlines()[2] == "2. write → /tmp/x (0.80)  ← weakest"
    assert DataPath(finding(2))._repr_html_().count("weakest") == 1


def test_a_long_session_is_sampled_and_says_so() -> None:
    many = [execution(n, 1, HOSTILE) for n in range(timeline.SHOWN * 3)]
    view = Timeline(many, [finding(5)])
    assert len(view.shown) == timeline.SHOWN
    assert f"{len(many)} events in 1 kinds, {timeline.SHOWN} drawn" in repr(view)
    bundle = view._repr_mimebundle_()
    assert "<script" not in bundle["image/svg+xml"]
    assert "<script" not in str(bundle["application/vnd.plotly.v1+json"]["data"][0]["text"])


def test_a_timeline_of_nothing_is_drawn() -> None:
    assert Timeline([]).svg().startswith("<svg")
    assert repr(Timeline([])) == "0 events in 0 kinds"
