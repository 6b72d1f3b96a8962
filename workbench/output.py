"""How a command tells its result: lines and tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

Format = Annotated[
    Literal["text", "json"], typer.Option("--format", help="text for people, or one JSON document")
]

Pack = Annotated[Path, typer.Argument(metavar="PACK", help="a .pack file")]
Trust = Annotated[
    list[Path] | None, typer.Option("--trust", metavar="PUB", help="a public key to trust; repeatable")
]

_PIPE_WIDTH = 170  # columns of a table that nobody's terminal bounds


def show_json(document: object) -> None:
    """Print `document` as one line of JSON, ASCII only: what a stranger named cannot command the terminal."""
    import msgspec  # noqa: PLC0415 - so that --help is quick

    typer.echo(json.dumps(msgspec.to_builtins(document, str_keys=True)))


def show(renderable: Any) -> None:
    """Print a rich table or the like."""
    page().print(renderable)


def page() -> Console:
    """Give what a table is drawn on: as wide as the terminal, wide enough for whole names in a pipe."""
    from rich.console import Console  # noqa: PLC0415 - so that --help is quick

    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, _PIPE_WIDTH))


def track(items: Iterable[T], unit: str, total: int | None = None) -> Iterable[T]:
    """Give `items` one by one with a bar on standard error when that is a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm  # noqa: PLC0415 - so that --help is quick

    counted: Iterable[T] = tqdm(items, total=total, unit=unit, leave=False)
    return counted
