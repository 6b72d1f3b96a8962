"""`%load_ext workbench`: write a rule, a query or a question into a cell, and run it."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from typing import Any, NoReturn

from workbench.errors import InputError
from workbench.nb.trial.place import DATASET


class _Arguments(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(message, mend=self.format_usage().strip())


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
    """%%sigma NAME [--on DATASET] [--save] [--rules DIR]

    Checks the Sigma rule in the cell, runs it over recordings; `--save` puts it into `rules/`, with a test.
    """
    from workbench.nb.trial.place import find
    from workbench.nb.trial.save import save
    from workbench.nb.trial.trial import try_rules

    parser = _parser("%%sigma", "name")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--rules", metavar="DIR", default="rules")
    given = parser.parse_args(shlex.split(line))
    trial = try_rules(cell, given.on)
    if given.save:
        for file in save(trial, given.name, find(given.rules)):
            print(f"wrote {file}")
    return trial


def sql(line: str, cell: str) -> Any:
    """%%sql [--on DATASET]

    Runs DuckDB's SQL over the views `events`, `labels` and `sessions`; names with dots want double quotes.
    """
    from workbench.nb.query import query
    from workbench.nb.trial.place import find
    from workbench.nb.view.data_table import DataTable

    given = _parser("%%sql").parse_args(shlex.split(line))
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
    given = parser.parse_args(shlex.split(line))
    return explain_event(given.event, find(given.on), find(given.rules), given.recording, given.rule)
