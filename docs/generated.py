"""A Sphinx extension: what the code says itself takes the place of `<!-- generated: NAME -->` in a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from workbench import cli, errors
from workbench.cli.app import build
from workbench.fields import ACTIONS, ENRICHED, FIELDS
from workbench.rule.extension import Extension
from workbench.rule.logsource import CATEGORIES

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"<!-- generated: ([a-z-]+) -->")


def table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    """Draw a Markdown table; cells may hold anything."""
    lines = [head, ("---",) * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def code(words: Iterable[str]) -> str:
    """Set each word as code."""
    return ", ".join(f"`{word}`" for word in words)


def actions() -> str:
    """Give the kinds of events."""
    return table(
        ("`event.category`", "`event.action`"),
        ((code([name]), code(kinds)) for name, kinds in ACTIONS.items()),
    )


def fields() -> str:
    """Give every field of an event."""
    rows = (
        (
            code([one.name]),
            one.kind,
            one.meaning
            + (" *(derived)*" if one.name in ENRICHED and "(enriched)" not in one.meaning else ""),
            code(one.sigma),
            code([one.ocsf] if one.ocsf else []),
        )
        for one in FIELDS.values()
    )
    return table(("field", "type", "meaning", "Sigma", "OCSF"), rows)


def rule_keys() -> str:
    """Give the keys below `workbench:`."""
    _, components = msgspec.json.schema_components([Extension])
    keys = components["Extension"]["properties"]
    return table(
        ("key", "default", "meaning"),
        ((code([name]), code([str(one.get("default"))]), one["description"]) for name, one in keys.items()),
    )


def log_sources() -> str:
    """Give the log source categories and what each selects."""
    return table(
        ("`category`", "events"), ((code([name]), code(kinds)) for name, kinds in CATEGORIES.items())
    )


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Give each command of the command line with its words."""
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


def command_line() -> str:
    """Give every command: what it does, its arguments and options."""
    parts = []
    for name, command in sorted(commands(typer.main.get_command(build()))):
        rows = []
        for one in command.params:
            called = code([*one.opts, *one.secondary_opts]) if one.param_type_name == "option" else ""
            rows.append(
                (
                    called or code([one.metavar or one.name.upper()]),
                    getattr(one, "help", None) or "",
                    _default(one),
                )
            )
        parts += [f"## `workbench {name}`", command.help or "", table(("", "", "default"), rows)]
    return "\n\n".join(parts)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    unset = parameter.default in (None, "", False) or callable(parameter.default)
    return "" if unset else code([str(parameter.default)])


def exit_codes() -> str:
    """Give the exit statuses."""
    told = {
        cli.OK: "done",
        cli.FOUND: "something was found, or a gate failed, where that is the command's job",
        cli.MISUSE: "misuse or bad input: one clear line on standard error names file, line, cause and mend",
        cli.INTERRUPTED: "Ctrl-C; nothing half-written was left",
    }
    return table(("exit", "means"), ((str(status), text) for status, text in told.items()))


def exceptions() -> str:
    """Give the exceptions that are raised on purpose."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return table(
        ("exception", "is a", "means"),
        (
            (code([kind.__name__]), code([kind.__bases__[0].__name__]), (kind.__doc__ or "").split("\n")[0])
            for kind in kinds
        ),
    )


def rule_codes() -> str:
    """Give every code of a rule's fault with its texts, read from the calls that make them."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for file in sorted((ROOT / "workbench" / "rule").glob("*.py")):
        for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
            named = {one.arg: _text(one.value) for one in call.keywords}
            cause = next((text for one in call.args if " " in (text := _text(one))), "")
            if cause and named.get("code"):
                found.setdefault(named["code"], {})[cause, named.get("mend", "")] = None
    rows = ((code([name]), *text) for name, texts in sorted(found.items()) for text in texts)
    return table(("code", "cause", "mend"), rows)


def _text(node: ast.expr) -> str:
    """Give a string's text, with … for what is only known when it runs."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


PARTS: dict[str, Callable[[], str]] = {
    "actions": actions,
    "fields": fields,
    "rule-keys": rule_keys,
    "log-sources": log_sources,
    "command-line": command_line,
    "exit-codes": exit_codes,
    "exceptions": exceptions,
    "rule-codes": rule_codes,
}


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""

    def fill(_app: Any, _page: str, source: list[str]) -> None:
        source[0] = MARK.sub(lambda found: PARTS[found[1]](), source[0])

    app.connect("source-read", fill)
    return {"parallel_read_safe": True}
