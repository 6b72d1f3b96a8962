"""Release a dataset: count its card anew, describe it, and seal all files in the manifest."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from workbench.dataset.card import Card, new_card, with_counts
from workbench.dataset.census import Census, census
from workbench.dataset.croissant import croissant
from workbench.dataset.dataset import (
    CARD,
    CROISSANT,
    Dataset,
    Manifest,
    Split,
    digest,
    entry,
    write_manifest,
)
from workbench.dataset.recording import Recording
from workbench.errors import RecordingError
from workbench.files import write_aside


def release(
    dataset: Dataset,
    version: str,
    *,
    published: str = "",
    splits: Mapping[str, Split] | None = None,
    test_families: list[str] | None = None,
) -> Manifest:
    """Write card, Croissant and manifest over all of `recordings/`; gives the manifest.

    What is not given stays as the manifest has it; `published` is an ISO date. Raises RecordingError when a
    recording, or the card there is, cannot be read.
    """
    root, manifest = dataset.path, copy.copy(dataset.manifest)
    manifest.version, manifest.published = version, published or manifest.published
    if test_families is not None:
        manifest.test_families = sorted(test_families)
    known = {name: listed.split for name, listed in manifest.recordings.items()} | dict(splits or {})
    found = sorted(file.parent for file in (root / "recordings").glob("*/session.json"))
    manifest.recordings = {each.name: entry(each, known.get(each.name, "")) for each in found}
    sealed = Dataset(root, manifest)
    card = root / CARD
    text = card.read_text() if card.is_file() else new_card(manifest.name)
    text = with_counts(text, manifest, counted(sealed))
    try:
        parts = Card.read(text)
    except ValueError as error:
        raise RecordingError(f"not a card: {error}", place=card, mend="see another dataset's") from None
    write_aside(card, text.encode())
    write_aside(root / CROISSANT, croissant(sealed, parts.front, parts.description))
    manifest.files = {name: digest(root / name) for name in (CARD, CROISSANT)}
    write_manifest(root, manifest)
    return manifest


def counted(dataset: Dataset) -> Census:
    """Count what is in the recordings that the manifest lists."""
    return census(
        (listed.split, Recording.open(dataset.path / "recordings" / name))
        for name, listed in sorted(dataset.manifest.recordings.items())
    )
