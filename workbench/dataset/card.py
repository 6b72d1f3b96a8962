"""A dataset's card: `README.md` with Hugging Face front matter, its figures counted from the data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from workbench.dataset.census import Census, Counts
from workbench.dataset.dataset import Manifest
from workbench.dataset.session import Loss
from workbench.yaml_text import read_yaml

BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"
_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_NEW = f"""---
license: apache-2.0
pretty_name: {{name}}
tags: [security, ebpf, ai-agents, detection-engineering]
size_categories: [n<1K]
configs:
  - config_name: events
    data_files: recordings/*/events.parquet
  - config_name: labels
    data_files: recordings/*/labels.parquet
---
# {{name}}

Recorded runs of coding agents, labelled event by event.

{BEGIN}
{END}
"""
_HEADINGS = ("recordings", "malicious", "benign twins", "events", "malicious events")
_LOSSES = ("dropped", "truncated", "reordered", "unattributed")


class _Config(msgspec.Struct):
    config_name: str
    data_files: str


class Front(msgspec.Struct):
    """The front matter a card must have; other keys are allowed."""

    license: str
    pretty_name: str
    size_categories: list[str]
    configs: list[_Config]
    tags: list[str] = []


@dataclass(frozen=True)
class Card:
    """A card in its two parts; raises ValueError when its front matter is none."""

    front: Mapping[str, Any]
    body: str

    @classmethod
    def read(cls, text: str) -> Card:
        """Take a card apart."""
        match = _FRONT.match(text)
        if match is None:
            raise ValueError("no front matter between two lines of ---")
        try:
            front = read_yaml(match[1])
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(f"front matter is not YAML: {str(error).splitlines()[0]}") from None
        msgspec.convert(front, Front)
        return cls(front, match[2])

    @property
    def description(self) -> str:
        """The first paragraph below the title, on one line."""
        paragraphs = [part for part in self.body.split("\n\n") if part.strip()]
        plain = [part for part in paragraphs if not part.lstrip().startswith(("#", "<!--", "|"))]
        return " ".join(plain[0].split()) if plain else str(self.front["pretty_name"])

    @property
    def files(self) -> list[str]:
        """The glob patterns of the configs."""
        return [str(config["data_files"]) for config in self.front["configs"]]


def new_card(name: str) -> str:
    """Give the text of a card for a dataset that has none."""
    return _NEW.format(name=name)


def with_counts(text: str, manifest: Manifest, counted: Census) -> str:
    """Give a card's text with its figures and size category as counted; the prose stays as it is."""
    events = sum(counts.events for counts in counted.splits.values())
    size = next((name for bound, name in _SIZES if events < bound), "n>1M")
    text = re.sub(r"^size_categories:.*$", f"size_categories: [{size}]", text, count=1, flags=re.MULTILINE)
    block = "\n".join((BEGIN, *_block(manifest, counted), END))
    if BEGIN in text and END in text:
        before, after = text.split(BEGIN, 1)[0], text.split(END, 1)[1]
        return before + block + after
    return f"{text.rstrip()}\n\n{block}\n"


def _block(manifest: Manifest, counted: Census) -> Iterator[str]:
    order: tuple[str, ...] = ("train", "validation", "test")
    splits = {name: counted.splits[name] for name in order if name in counted.splits}
    yield f"Version {manifest.version}, counted from its files:"
    yield from _table("split", {**splits, "all": _sum(counted.splits.values())})
    yield from _table("agent", dict(sorted(counted.agents.items())))
    yield from _table("scenario", dict(sorted(counted.scenarios.items())))
    if counted.mutators:
        yield from _table("mutator", dict(sorted(counted.mutators.items())))
    if manifest.test_families:
        yield ""
        yield f"Only in test: {', '.join(sorted(manifest.test_families))}."
    yield ""
    yield f"Lost: {_lost(counted.loss)}."


def _sum(all_counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for counts in all_counts:
        for name, value in vars(counts).items():
            setattr(total, name, getattr(total, name) + value)
    return total


def _table(name: str, rows: Mapping[str, Counts]) -> Iterator[str]:
    yield ""
    yield "| " + " | ".join((name, *_HEADINGS)) + " |"
    yield "|---|" + "---:|" * len(_HEADINGS)
    for key, counts in rows.items():
        yield "| " + " | ".join((key.replace("|", "\\|"), *(f"{n:,}" for n in vars(counts).values()))) + " |"


def _lost(loss: Loss) -> str:
    named = [(name, getattr(loss, name)) for name in _LOSSES]
    return ", ".join(f"{name} {count:,}" for name, count in (*named, *sorted(loss.not_visible.items())))
