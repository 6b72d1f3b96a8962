"""`%load_ext workbench`: write a rule, a query or a question into a cell, and run it."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from typing import Any, NoReturn

from workbench.errors import InputError
from workbench.nb.trial.place import DATASET


class _Arguments(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(message, mend=" ".join(self.format_usage().split()))

    def read(self, line: str) -> Namespace:
        """Read a magic's line; raises InputError with the usage."""
        try:
            words = shlex.split(line)
        except ValueError as error:
            self.error(str(error))
        return self.parse_args(words)


def _parser(prog: str, *positional: str) -> _Arguments:
    parser = _Arguments(prog=prog, add_help=False)
    for argument in positional:
        parser.add_argument(argument)
    parser.add_argument("--on", metavar="DATASET", default=DATASET)
    return parser


def load(shell: Any) -> None:
    """Register `%%sigma`, `%%sql` and `%explain`; no name is put into the notebook."""
    for function, kind in ((sigma, "cell"), (sql, "cell"), (explain, "line")):
        shell.register_magic_function(function, kind, function.__name__)


def sigma(line: str, cell: str) -> Any:
    """%%sigma NAME [--on DATASET] [--scenario GLOB] [--rules DIR] [--save [DIR]]

    Checks the Sigma rule in the cell and runs it over recordings, data followed by the label rules beside it;
    `--save` puts it there, or into another directory, with a test.
    """
    from workbench.nb.trial.place import find
    from workbench.nb.trial.save import save
    from workbench.nb.trial.trial import try_rules

    parser = _parser("%%sigma", "name")
    parser.add_argument("--scenario", metavar="GLOB", default="*")
    parser.add_argument("--save", metavar="DIR", nargs="?", const="")
    parser.add_argument("--rules", metavar="DIR", default="rules")
    given = parser.read(line)
    trial = try_rules(cell, given.on, rules=given.rules, scenario=given.scenario)
    if given.save is not None:
        for file in save(trial, given.name, find(given.save or given.rules)):
            print(f"wrote {file}")
    return trial


def sql(line: str, cell: str) -> Any:
    """%%sql [--on DATASET]

    Runs DuckDB's SQL over the views `events`, `labels` and `sessions`; names with dots want double quotes.
    """
    from workbench.nb.query import query
    from workbench.nb.trial.place import find
    from workbench.nb.view.data_table import DataTable

    given = _parser("%%sql").read(line)
    return DataTable(query(cell, find(given.on)))


def explain(line: str, cell: str = "") -> Any:
    """%explain EVENT [--in RECORDING] [--rule NAME] [--on DATASET] [--rules DIR]

    Tells why rules fired on an event, or which condition stopped one.
    """
    from workbench.nb.explanation import explain_event
    from workbench.nb.trial.place import find

    parser = _parser("%explain", "event")
    parser.add_argument("--in", dest="recording", default="")
    parser.add_argument("--rule", default="")
    parser.add_argument("--rules", default="rules")
    given = parser.read(line)
    return explain_event(given.event, find(given.on), find(given.rules), given.recording, given.rule)
