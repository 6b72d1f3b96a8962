"""`workbench lint` and `workbench convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json

Rules = Annotated[list[Path], typer.Argument(metavar="RULES…", help="rule files or directories of them")]
Placeholders = Annotated[Path | None, typer.Option(metavar="F", help="YAML: placeholder → values")]


def register(app: typer.Typer) -> None:
    """Add `lint` and `convert`."""
    app.command("lint")(lint)
    app.command("convert")(convert)


def lint(
    rules: Annotated[
        list[Path] | None, typer.Argument(metavar="RULES…", help="rule files or directories of them")
    ] = None,
    placeholders: Placeholders = None,
    strict: Annotated[bool, typer.Option(help="let warnings fail too")] = False,
    format: Format = "text",
    lock: Annotated[
        Path | None, typer.Option(metavar="F", help="versions.lock to hold the rules against")
    ] = None,
    update_lock: Annotated[bool, typer.Option(help="write the lock instead of checking it")] = False,
    schema: Annotated[
        bool, typer.Option(help="print the JSON Schema of a rule for editors, and stop")
    ] = False,
) -> None:
    """Check rules for faults and doubtful style; exit 1 when a rule cannot be honoured.

    A fault tells file, line, column, what is wrong and how to mend it; all faults are reported.

    Example: `workbench lint rules/`
    """
    import json

    from workbench.errors import InputError
    from workbench.rule.linting import lint_paths, report
    from workbench.rule.schema import rule_schema

    if schema:
        typer.echo(json.dumps(rule_schema(), indent=2))
        return
    if not rules:
        raise InputError("no rules given", mend="give rule files or directories of them")
    raise typer.Exit(
        report(lint_paths(rules, placeholders, lock, update=update_lock), strict=strict, format=format)
    )


def convert(
    rules: Rules,
    to: Annotated[
        str, typer.Option("--to", metavar="BACKEND", help="a pySigma backend that is installed, or plan")
    ],
    placeholders: Placeholders = None,
    skip_refused: Annotated[
        bool, typer.Option(help="leave out rules that the backend cannot express, telling which")
    ] = False,
    format: Format = "text",
) -> None:
    """Convert rules for another engine through pySigma, or to the plan that packs carry.

    Example: `workbench convert rules/ --to sqlite`
    """
    import json

    from workbench.printable import printable
    from workbench.rule.conversion import convert_rules

    conversion = convert_rules(rules, to, placeholders, skip=skip_refused)
    for fault in conversion.left_out:
        typer.echo(f"left out: {printable(str(fault))}", err=True)
    queries = conversion.queries
    if format == "json":
        show_json([json.loads(query) for query in queries] if to == "plan" else queries)
        return
    for query in queries:
        typer.echo(query)
