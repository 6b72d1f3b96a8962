"""Drift over time, with the points at which its course changed."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.nb.view.chart import SHOWN, Chart, Series
from workbench.nb.view.figure import BLUE
from workbench.printable import counted


class DriftChart(Chart):
    """Values of one drift field in the order they came, and where Page and Hinkley's test sees a change.

    `delta` is the change that is let pass, `threshold` the sum of excess that raises an alarm (Page 1954),
    both in the field's unit; river computes it. Of over 4,000 values every n-th is drawn, and it says so.
    """

    x_label = "in order of time"

    def __init__(
        self,
        values: Sequence[float],
        name: str,
        *,
        limit: float | None = None,
        notes: Sequence[str] = (),
        delta: float = 0.05,
        threshold: float = 10.0,
    ) -> None:
        self.total = len(values)
        self.changes = change_points(values, delta, threshold)
        step = max(1, -(-len(values) // SHOWN))
        points = [(float(number), value) for number, value in enumerate(values)][::step]
        self.y_label = name
        self.x_range = (0.0, float(max(len(values) - 1, 1)))
        self.y_range = (0.0, 1.2 * max([*values, limit or 0.0, 0.1]))
        sampled = f", {len(points)} drawn" if len(points) < len(values) else ""
        self.title = f"{name}: {len(values)} values{sampled}, {counted(len(self.changes), 'change')}"
        self.series = (Series(name, points, BLUE, "marks", notes=list(notes)[::step]),)
        self.marks = [(float(number), "change") for number in self.changes]
        self.levels = [] if limit is None else [(limit, f"limit {limit:g}")]

    def text(self) -> str:
        """Say where changes are."""
        return f"{self.title}{': at ' if self.changes else ''}{', '.join(map(str, self.changes))}"


def change_points(values: Sequence[float], delta: float = 0.05, threshold: float = 10.0) -> list[int]:
    """Give the positions at which the values began to run higher or lower than before.

    >>> change_points([0.1] * 30 + [3.0] * 30)
    [33]
    """
    from river.drift import PageHinkley  # noqa: PLC0415 - slow to import

    detector = PageHinkley(min_instances=10, delta=delta, threshold=threshold)
    found = []
    for number, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            found.append(number)
    return found
