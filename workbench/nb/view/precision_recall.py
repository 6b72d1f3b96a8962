"""The precision–recall curve of the fused score."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.nb.view.chart import Chart, Series
from workbench.nb.view.figure import BLUE, ORANGE


class PrecisionRecallChart(Chart):
    """Precision over recall at every threshold of the score; `thresholds` go with the points.

    The dashed line is what a detector that alerts on everything has: the share that is malicious.
    """

    x_label, y_label = "recall", "precision"
    x_range = y_range = (0.0, 1.0)

    def __init__(
        self, recall: Sequence[float], precision: Sequence[float], thresholds: Sequence[float], share: float
    ) -> None:
        points = list(zip(recall, precision, strict=True))
        notes = [f"score ≥ {threshold:.1f}" for threshold in thresholds]
        self.title = "Precision over recall, a point for each threshold of the score"
        self.series = (
            Series("fused score", points, BLUE, "step", notes=notes),
            Series("alert on everything", [(0.0, share), (1.0, share)], ORANGE, dash=True),
        )

    def text(self) -> str:
        """Name recall and precision at each threshold."""
        points = self.series[0].points
        told = "; ".join(f"{r:.2f}/{p:.2f}" for r, p in points[:20])
        return f"{self.title}. Recall/precision: {told}"
