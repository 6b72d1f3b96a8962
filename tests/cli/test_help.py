"""Every command says in its help how it is used, by an example that holds; results can be had as JSON."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer

from workbench.cli import run
from workbench.cli.app import build
from workbench.cli.panels import PANELS

# The contract: what people and scripts may rely on, with the options that must be there.
VERBS = {
    "doctor": (),
    "record": ("--out", "--source", "--agent"),
    "scenario list": (),
    "scenario run": ("--agent", "--out"),
    "import": ("--out",),
    "dataset info": (),
    "dataset validate": (),
    "dataset merge": (),
    "dataset split": (),
    "lint": (),
    "backtest": ("--engine", "--json", "--junit"),
    "baseline fit": ("--out",),
    "pack keygen": ("--out",),
    "pack build": ("--out", "--baseline", "--key"),
    "pack verify": ("--trust",),
    "pack inspect": (),
    "pack diff": (),
    "score": ("--trust", "--format", "--stats"),
    "explain": ("--rule",),
    "gate": ("--policy",),
    "coverage": ("--navigator",),
    "sensor run": ("--pack", "--enforce", "--sink", "--pid"),
    "audit verify": (),
    "demo": (),
    "lab": (),
}
# They print no result of their own: findings go to sinks, lines to a terminal, an event to a file.
RESULTLESS = {"sensor run", "demo", "lab", "hook"}


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


COMMANDS = dict(leaves(typer.main.get_command(build())))


def options(command: Any) -> set[str]:
    return {name for one in command.params for name in one.opts}


@pytest.mark.parametrize("verb", VERBS)
def test_the_verbs_of_the_contract_exist(verb: str) -> None:
    assert set(VERBS[verb]) <= options(COMMANDS[verb])


@pytest.mark.parametrize("verb", COMMANDS)
def test_help_has_an_example_that_parses(verb: str, parse: Callable[..., None]) -> None:
    told = COMMANDS[verb].help or ""
    examples = re.findall(r"`([^`]*\bworkbench [^`]+)`", told.partition("Example")[2])
    assert examples, f"workbench {verb} has no example"
    for example in examples:
        line = example[example.index("workbench ") :]
        parse(line.replace(" …", ""), whole="…" not in line)
    assert any(f"workbench {verb}" in example for example in examples)


@pytest.mark.parametrize("verb", sorted(COMMANDS.keys() - RESULTLESS))
def test_a_result_can_be_had_as_json(verb: str) -> None:
    assert "--format" in options(COMMANDS[verb])


def test_an_unknown_format_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "rules", "--format", "xml"]) == 2
    assert "'xml' is not one of" in capsys.readouterr().err


def test_each_verb_stands_in_the_panel_made_for_it() -> None:
    assert {words.partition(" ")[0] for words in COMMANDS} == {
        verb for some in PANELS.values() for verb in some
    }
    app = build()
    assert {each.rich_help_panel for each in (*app.registered_commands, *app.registered_groups)} == set(
        PANELS
    )


def test_shells_can_complete() -> None:
    # In a process of its own: which shell is asked for is settled where the command line is assembled.
    script = (
        "import sys; from workbench.cli import main; sys.argv[1:] = ['--show-completion', 'bash']; main()"
    )
    environment = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "_WORKBENCH_COMPLETE=complete_bash" in shown.stdout
