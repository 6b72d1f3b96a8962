"""What differs between two datasets, by their figures and sessions."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.dataset.census import Counts
from workbench.dataset.dataset import Dataset, splits_by_session
from workbench.dataset.release import counted

TABLES = ("splits", "agents", "scenarios", "mutators")


def difference(old: Dataset, new: Dataset) -> Iterator[str]:
    """Give each difference as a line: sessions in one only or in another split, figures that changed.

    Both must be released: what the manifest does not list is not compared.
    """
    before, after = splits_by_session(old), splits_by_session(new)
    for told, sessions in (
        ("only in the old", before.keys() - after),
        ("only in the new", after.keys() - before),
    ):
        if sessions:
            some = ", ".join(sorted(sessions)[:3]) + " …" * (len(sessions) > 3)
            yield f"{len(sessions)} sessions {told}: {some}"
    for session in sorted(before.keys() & after):
        if before[session] != after[session]:
            yield f"session {session}: {before[session] or 'no split'} → {after[session] or 'no split'}"
    tables = counted(old), counted(new)
    for name in TABLES:
        rows: tuple[dict[str, Counts], ...] = tuple(getattr(table, name) for table in tables)
        for key in sorted({*rows[0], *rows[1]}):
            yield from _row(
                f"{name.removesuffix('s')} {key}", *(vars(row.get(key, Counts())) for row in rows)
            )


def _row(name: str, before: dict[str, int], after: dict[str, int]) -> Iterator[str]:
    changed = [f"{what} {before[what]:,} → {after[what]:,}" for what in before if before[what] != after[what]]
    if changed:
        yield f"{name}: {', '.join(changed)}".replace("_", " ")
