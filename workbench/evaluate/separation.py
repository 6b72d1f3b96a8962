"""How well each drift field alone tells attacks from benign work: the area under its ROC curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import rankdata

from workbench.evaluate.outcome import Outcome

DUMMY = "dummy: by event count"


@dataclass(frozen=True, slots=True)
class Separation:
    """The chance that an attack's highest value exceeds a benign session's; 0.5 tells nothing.

    `attacks` and `benign` count the sessions that had the field. The interval is 95 %, by Hanley and McNeil
    (1982); None without sessions of both kinds.
    """

    field: str
    attacks: int
    benign: int
    area: float | None
    interval: tuple[float, float] | None


def separations(outcomes: Iterable[Outcome]) -> list[Separation]:
    """Judge each drift field by its highest value in a session; a dummy by the count of events last."""
    known = list(outcomes)
    fields = sorted({name for outcome in known for name in outcome.drift})
    found = [
        separation(name, [(one.malicious, one.drift[name]) for one in known if name in one.drift])
        for name in fields
    ]
    return [*found, separation(DUMMY, [(one.malicious, float(one.events)) for one in known])]


def separation(field: str, scores: Sequence[tuple[bool, float]]) -> Separation:
    """Measure the area under the curve of scores, each with whether it is an attack's.

    >>> separation("a", [(True, 3.0), (True, 2.0), (False, 2.0), (False, 1.0)]).area
    0.875
    """
    truth = np.array([malicious for malicious, _ in scores], dtype=bool)
    attacks, benign = int(truth.sum()), int((~truth).sum())
    if not attacks or not benign:
        return Separation(field, attacks, benign, None, None)
    ranks = rankdata([score for _, score in scores])
    area = float((ranks[truth].sum() - attacks * (attacks + 1) / 2) / (attacks * benign))
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (attacks - 1) * (one - area**2) + (benign - 1) * (two - area**2)
    error = sqrt((area * (1 - area) + spread) / (attacks * benign))
    interval = max(0.0, area - 1.96 * error), min(1.0, area + 1.96 * error)
    return Separation(field, attacks, benign, area, interval)
