"""`python -m capture`: the verbs of capture alone, without what the other packages need."""

from __future__ import annotations

import sys

import typer

from capture.commands import register
from workbench.errors import WorkbenchError


def main() -> int:
    """Run one command; exit statuses as of `workbench`."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    register(app)
    try:
        status = app(standalone_mode=False)
    except WorkbenchError as error:
        typer.echo(f"workbench: {error}", err=True)
        return 2
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
