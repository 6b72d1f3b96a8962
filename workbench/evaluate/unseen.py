"""Families of scenarios that only one split holds, so that nothing like them was trained or tuned on."""

from __future__ import annotations

from workbench.dataset.dataset import Dataset, Split
from workbench.evaluate.outcome import family_of


def unseen_families(dataset: Dataset, split: Split) -> frozenset[str]:
    """Give the families of which every recording is in `split`; none for the whole dataset."""
    if not split:
        return frozenset()
    inside, outside = (
        {family_of(recording.session) for one in splits for recording in dataset.recordings(one)}
        for splits in ((split,), tuple(one for one in ("train", "validation", "test") if one != split))
    )
    return frozenset(inside - outside)
