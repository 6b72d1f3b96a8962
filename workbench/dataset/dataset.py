"""A dataset: a directory of recordings with a card and a manifest, immutable once released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from workbench.dataset.recording import Recording
from workbench.errors import RecordingError
from workbench.files import write_aside

MANIFEST = "manifest.json"
Split = Literal["train", "validation", "test", ""]


class Entry(msgspec.Struct, kw_only=True):
    """One recording in the manifest: the digest of each file, and the split it belongs to."""

    files: dict[str, str]
    split: Split = ""


class Manifest(msgspec.Struct, kw_only=True):
    """What `manifest.json` holds."""

    name: str
    version: str = "0"
    recordings: dict[str, Entry] = {}


@dataclass(frozen=True)
class Dataset:
    """Recordings below `recordings/`; a single recording or a plain directory of them will do."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open `path`; raises RecordingError when nothing in it is a recording."""
        root = Path(path)
        file = root / MANIFEST
        if file.is_file():
            try:
                return cls(root, msgspec.json.decode(file.read_bytes(), type=Manifest))
            except (OSError, ValueError, RecursionError) as error:
                raise RecordingError(
                    f"not a manifest: {error}", place=file, mend="copy the dataset again"
                ) from None
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

    def recordings(self, split: Split = "") -> Iterator[Recording]:
        """Open the recordings of a split (all by default)."""
        return (Recording.open(directory) for directory in self.directories(split))


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


def write_manifest(root: Path, name: str, version: str, splits: dict[str, Split] | None = None) -> Manifest:
    """Write the manifest over all of `root/recordings`, atomically."""
    directories = sorted(path.parent for path in (root / "recordings").glob("*/session.json"))
    manifest = Manifest(
        name=name,
        version=version,
        recordings={d.name: entry(d, (splits or {}).get(d.name, "")) for d in directories},
    )
    write_aside(root / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def validate(dataset: Dataset) -> list[str]:
    """Give every fault: changed or missing files, unreadable recordings, labels without an event."""
    faults: list[str] = []
    for name, listed in dataset.manifest.recordings.items():
        directory = dataset.path / "recordings" / name
        for file, expected in listed.files.items():
            if not (directory / file).is_file():
                faults.append(f"{directory / file}: missing (mend: copy the dataset again)")
            elif digest(directory / file) != expected:
                faults.append(
                    f"{directory / file}: differs from the manifest (mend: release a new version instead)"
                )
    for directory in dataset.directories():
        faults.extend(_recording_faults(directory))
    return faults


def _recording_faults(directory: Path) -> Iterable[str]:
    try:
        recording = Recording.open(directory)
        ids = [str(event.get("event.id", "")) for event in recording.events()]
        labels, session = recording.labels(), recording.session
    except RecordingError as error:
        return [str(error)]
    faults = []
    if len(set(ids)) != len(ids) or "" in ids:
        faults.append(f"{directory}: event ids are missing or repeat (mend: record it again)")
    if stray := {label.event_id for label in labels} - set(ids):
        faults.append(f"{directory}: {len(stray)} labels name no event (mend: label it again)")
    if unknown := {label.label for label in labels} - {"benign", "malicious"}:
        faults.append(f"{directory}: unknown labels {sorted(unknown)} (mend: use benign or malicious)")
    if not session.id:
        faults.append(f"{directory}: the session has no id (mend: record it again)")
    return faults
