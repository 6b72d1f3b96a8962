"""Join datasets, and divide one into train, validation and test without leaking between them."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from workbench.dataset.dataset import Dataset, Manifest, Split, names_by_session, splits_by_session
from workbench.dataset.recording import Recording
from workbench.dataset.release import release
from workbench.dataset.validate import validate
from workbench.errors import RecordingError

SHARES: tuple[tuple[Split, float], ...] = (("train", 0.6), ("validation", 0.2), ("test", 0.2))
_LEARNT = sum(share for name, share in SHARES if name != "test")


def merge(sources: Sequence[Path], out: Path, version: str, *, like: Dataset | None = None) -> Manifest:
    """Copy the recordings of all sources below `out/recordings` and release them as one dataset.

    Sessions of `like` keep the names that they have there. Raises RecordingError when a source is unsound, or
    two recordings are of the same session.
    """
    if out.exists() and any(out.iterdir()):
        raise RecordingError("already exists and is not empty", place=out, mend="choose another --out")
    found: dict[str, Path] = {}
    for source in sources:
        dataset = Dataset.open(source)
        if faults := validate(dataset):
            raise RecordingError("; ".join(faults), place=source, mend="mend it first")
        for recording in dataset.recordings():
            known = found.setdefault(recording.session.id, recording.path)
            if known != recording.path:
                raise RecordingError(
                    f"is the same session as {known}", place=recording.path, mend="leave one of them out"
                )
    names = names_by_session(like) if like else {}
    width = len(str(len(found)))
    numbered = (f"run-{number:0{width}d}" for number in itertools.count(1))
    free = (name for name in numbered if name not in names.values())
    for session, directory in found.items():
        shutil.copytree(directory, out / "recordings" / (names.get(session) or next(free)))
    return release(Dataset(out, Manifest(name=out.name)), version)


def split(
    dataset: Dataset,
    version: str,
    *,
    test_families: Collection[str] = (),
    like: Dataset | None = None,
    seed: int = 0,
) -> Manifest:
    """Assign every recording to a split and release the dataset so.

    A family is a scenario, its twin and what was mutated from them. Families in `test_families` are test as a
    whole, so that nothing like them was trained on; other recordings are drawn by session. Sessions of `like`
    stay in the split they have there, and so do those of its test families that are here; none but these are
    test then, for what was recorded since may have been made for rules that were there.
    """
    recordings = list(dataset.recordings())
    here = {_family(recording) for recording in recordings}
    families = {*test_families, *(here.intersection(like.manifest.test_families) if like else ())}
    known = splits_by_session(like) if like else {}
    splits: dict[str, Split] = {}
    for recording in recordings:
        session = recording.session.id
        drawn = random.Random(f"{seed}:{session}").random()  # noqa: S311 - a reproducible draw, not a secret
        kept = known.get(session) or _drawn(drawn * (_LEARNT if like else 1.0))
        splits[recording.path.name] = "test" if _family(recording) in families else kept
    return release(dataset, version, splits=splits, test_families=list(families))


def _family(recording: Recording) -> str:
    settings = recording.session.settings
    return str(settings.get("family") or settings.get("twin_of") or settings.get("scenario") or "")


def _drawn(number: float) -> Split:
    for name, share in SHARES:
        if number < share:
            return name
        number -= share
    return "test"
