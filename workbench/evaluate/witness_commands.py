"""`workbench witness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json


def register(app: typer.Typer) -> None:
    """Add `witness`."""
    app.command("witness")(witness)


def witness(
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="a directory of rules")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    rule: Annotated[
        list[str] | None,
        typer.Option(help="a rule's id, name or title; repeatable, all that no test fires else"),
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines, for rules on drift")] = None,
    write: Annotated[bool, typer.Option(help="add the cases to NAME.test.toml beside the rules")] = False,
    format: Format = "text",
) -> None:
    """Find the shortest part of a recording that fires a rule, and of a benign twin that just does not.

    No event and no field of it can be spared. Of a rule with `recordings` and `twins` it looks there, else in
    all. Exit 1 when no recording fires a rule. Example:
    `workbench witness rules datasets/quickstart --rule 44e8cfd6-6cd7-5f68-b378-0c748eeea800`
    """
    from workbench.baseline import frozen
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate.tuning import find
    from workbench.evaluate.witness.search import Search, write_cases
    from workbench.printable import counted, printable
    from workbench.rule import load

    ruleset = load(rules)
    search = Search(ruleset, Dataset.open(dataset), frozen.load(baseline) if baseline else ())
    found = search.run([find(ruleset, name) for name in rule] if rule else search.untested())
    changed = write_cases(found) if write else []
    without = [each.rule.sigma.title for each in found if not each.cases]
    if format == "json":
        told = [{"rule": each.rule.id, "file": str(each.file), "cases": each.cases} for each in found]
        cases = [each for each in told if each["cases"]]
        show_json({"cases": cases, "written": [str(file) for file in changed], "without": without})
    elif write:
        number = sum(len(each.cases) for each in found)
        typer.echo(f"{counted(number, 'case')}, {counted(len(changed), 'file')} written")
    else:
        for each in found:
            typer.echo(printable("".join(f"# {each.file}\n{case}\n" for case in each.cases)), nl=False)
    for title in without:
        typer.echo(printable(f"no recording fires {title!r}"), err=True)
    raise typer.Exit(1 if without else 0)
