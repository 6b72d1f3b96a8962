"""`workbench notebook` and `workbench lab`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json


def register(app: typer.Typer) -> None:
    """Add `notebook run` and `lab`."""
    group = typer.Typer(help="Run notebooks as regressions.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("run")(run)
    app.add_typer(group, name="notebook")
    app.command("lab")(lab)


def run(
    path: Annotated[Path, typer.Argument(metavar="NOTEBOOK")],
    out: Annotated[Path, typer.Option(help="where the executed copy and the HTML go")],
    parameter: Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE")] = None,
    format: Format = "text",
) -> None:
    """Execute a notebook with strict parameters; exit 1 when a cell fails.

    Example: `workbench notebook run notebooks/90_latency_gate.ipynb --out build -p events=100000`
    """
    from workbench.errors import GateError
    from workbench.nb.notebook.parameters import parse_assignment
    from workbench.nb.notebook.runner import run as execute

    try:
        written = execute(path, out, dict(parse_assignment(text) for text in parameter or []))
    except GateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    page = written.with_suffix(".html")
    if format == "json":
        show_json({"notebook": str(written), "html": str(page)})
    else:
        typer.echo(f"{written}\n{page}")


def lab(directory: Annotated[Path, typer.Argument(metavar="DIR")] = Path("notebooks")) -> None:
    """Open JupyterLab on the notebooks.

    Example: `workbench lab`
    """
    import os
    import sys

    from workbench.errors import InputError

    if not directory.is_dir():
        raise InputError("no such directory", place=directory, mend="run it where notebooks/ is")
    command = [sys.executable, "-m", "jupyterlab", *place_in_lab(directory, Path.cwd())]
    if os.geteuid() == 0:
        command.append("--allow-root")
    os.execv(sys.executable, command)  # noqa: S606 - the server takes this process's place and its terminal


def place_in_lab(directory: Path, here: Path) -> tuple[str, str]:
    """Give the server's root and the page it opens: the checkout, so that rules and datasets lie beside.

    >>> place_in_lab(Path("/w/note books"), Path("/w"))
    ('--ServerApp.root_dir=/w', '--LabApp.default_url=/lab/tree/note%20books')
    >>> place_in_lab(Path("/elsewhere"), Path("/w"))
    ('--ServerApp.root_dir=/elsewhere', '--LabApp.default_url=/lab/tree/.')
    """
    from urllib.parse import quote

    place = directory.resolve()
    root = here if place.is_relative_to(here) else place
    page = quote(place.relative_to(root).as_posix())
    return f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{page}"
