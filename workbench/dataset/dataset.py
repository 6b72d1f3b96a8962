"""A dataset: a directory of recordings with a card and a manifest, immutable once released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from workbench.dataset.recording import Recording
from workbench.errors import RecordingError
from workbench.files import read_bounded, write_aside

MANIFEST = "manifest.json"
CARD = "README.md"
CROISSANT = "croissant.json"
Split = Literal["train", "validation", "test", ""]


class Entry(msgspec.Struct, kw_only=True):
    """One recording in the manifest: the digest of each file, and the split it belongs to."""

    files: dict[str, str]
    split: Split = ""


class Manifest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `manifest.json` holds; `files` are those beside it, `test_families` are nowhere but in test."""

    name: str
    version: str = "0"
    published: str = ""
    test_families: list[str] = []
    files: dict[str, str] = {}
    recordings: dict[str, Entry] = {}


@dataclass(frozen=True)
class Dataset:
    """Recordings below `recordings/`; a single recording or a plain directory of them will do."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open `path`; raises RecordingError when it holds no recording, or names files out of it."""
        root = Path(path)
        file = root / MANIFEST
        if file.is_file():
            return cls(root, _read_manifest(file))
        found = cls(root, Manifest(name=root.name))
        if not found.directories():
            raise RecordingError(
                "holds no recording", place=root, mend="give a recording, or a directory of recordings"
            )
        return found

    def directories(self, split: Split = "") -> list[Path]:
        """Give the directories of the recordings of a split (all by default), in a fixed order."""
        if self.manifest.recordings:
            names = (n for n, e in self.manifest.recordings.items() if split in ("", e.split))
            return [self.path / "recordings" / name for name in sorted(names)]
        return sorted(file.parent for file in self.path.rglob("session.json") if not _hidden(file, self.path))

    def chosen(self, split: str) -> list[Path]:
        """Give the directories of a split by its word, "" for all; raises RecordingError when it has none."""
        found = self.directories(as_split(split))
        if not found:
            mend = "leave --split out, or divide the dataset with `workbench dataset split`"
            raise RecordingError(f"no recording is in split {split!r}", place=self.path, mend=mend)
        return found

    def recordings(self, split: Split = "") -> Iterator[Recording]:
        """Open the recordings of a split (all by default)."""
        return (Recording.open(directory) for directory in self.directories(split))


def _read_manifest(file: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(read_bounded(file), type=Manifest)
        for name in (*manifest.files, *manifest.recordings, *_files(manifest)):
            if name in ("", ".", "..") or PurePosixPath(name).name != name or not name.isprintable():
                raise ValueError(f"{name!r} is not the name of a file")
    except (OSError, ValueError, RecursionError) as error:
        raise RecordingError(f"not a manifest: {error}", place=file, mend="copy the dataset again") from None
    return manifest


def _files(manifest: Manifest) -> Iterator[str]:
    return (name for entry in manifest.recordings.values() for name in entry.files)


def names_by_session(dataset: Dataset) -> dict[str, str]:
    """Give the recording's name of each session that the manifest lists."""
    directory = dataset.path / "recordings"
    return {Recording.open(directory / name).session.id: name for name in dataset.manifest.recordings}


def splits_by_session(dataset: Dataset) -> dict[str, Split]:
    """Give the split of each session that the manifest lists."""
    listed = dataset.manifest.recordings
    return {session: listed[name].split for session, name in names_by_session(dataset).items()}


def as_split(name: str) -> Split:
    """Give the split of that name, "" for all; raises RecordingError for another word."""
    try:
        split: Split = msgspec.convert(name, Split)
    except msgspec.ValidationError:
        raise RecordingError(f"no split {name!r}", mend="use train, validation or test") from None
    return split


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def digest(file: Path) -> str:
    """Give the file's SHA-256 in hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def entry(directory: Path, split: Split = "") -> Entry:
    """Make the manifest's entry of one recording."""
    files = sorted(file for file in directory.iterdir() if file.is_file())
    return Entry(files={file.name: digest(file) for file in files}, split=split)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write the manifest, atomically."""
    write_aside(root / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
