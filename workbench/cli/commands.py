"""`workbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command("demo")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="where the artefacts go")] = Path("build/demo"),
    live: Annotated[bool, typer.Option(help="record live runs where eBPF loads")] = True,
) -> None:
    """Record a benign run and an exfiltration, learn, build a signed pack, score, and show what it found.

    Exit 1 when the attack is missed or benign work is alerted on. Example: `workbench demo --out build/demo`
    """
    from workbench.cli.demo import run

    run(out, live)
