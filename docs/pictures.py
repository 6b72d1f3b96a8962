"""Draw the README's pictures: one finding of the shipped rules on a shipped recording (`make pictures`)."""

from __future__ import annotations

from pathlib import Path

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording
from workbench.evaluate.load import load_payload
from workbench.files import write_aside
from workbench.nb.view.provenance_graph import ProvenanceGraph
from workbench.nb.view.timeline import Timeline
from workbench.scorer import Finding, Scorer

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
RULE = "A process holding secret data connects to an unknown host"


def finding() -> tuple[Finding, Recording]:
    """Give the first finding of the rule, and the recording it was made on."""
    scorer = Scorer.from_payload(load_payload(ROOT / "rules"))
    pristine = scorer.snapshot()
    for recording in Dataset.open(ROOT / "datasets/quickstart").recordings():
        scorer.restore(pristine)
        found = (one for event in recording.events() for one in scorer.score(event))
        if recording.malicious and (first := next((one for one in found if one.rule_title == RULE), None)):
            return first, recording
    raise LookupError(RULE)


def draw(found: Finding, recording: Recording) -> dict[str, str]:
    """Give the pictures by the names of their files."""
    return {
        "finding.svg": ProvenanceGraph.of(found, recording.events()).svg(),
        "timeline.svg": Timeline(recording.events(), [found]).svg(),
    }


if __name__ == "__main__":
    for name, picture in draw(*finding()).items():
        write_aside(IMAGES / name, picture.encode())
