"""Rule files: YAML documents that remember where everything stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sigma.exceptions import SigmaError
from sigma.rule.base import check_alias_expansion
from yaml.reader import ReaderError

from workbench.errors import Place, RuleError
from workbench.yaml_text import open_yaml

MAX_BYTES = 1 << 20

Key = str | int


@dataclass(frozen=True, eq=False)
class Document:
    """One YAML document: `data` as Python values, `node` as it stands in the file."""

    path: str
    lines: tuple[str, ...]
    node: yaml.Node
    data: dict[str, Any]

    def place(self, *keys: Key) -> Place:
        """Give the place of a key or item, or of the nearest thing around it that exists."""
        mark = _find(self.node, keys)
        return Place(self.path, mark.line + 1, mark.column + 1)

    def fault(self, cause: str, *keys: Key, code: str, mend: str = "") -> RuleError:
        """Make an error that points at a key or item of this document."""
        return self.fault_at(self.place(*keys), cause, code=code, mend=mend)

    def fault_at(self, place: Place, cause: str, *, code: str, mend: str = "") -> RuleError:
        """Make an error that points at a place of this document."""
        return RuleError(cause, code=code, place=place, mend=mend, excerpt=excerpt(self.lines, place))


def excerpt(lines: tuple[str, ...], place: Place) -> str:
    """Give the line at a place with a caret under the column.

    >>> print(excerpt(("a: 1", "bad: x"), Place("f", 2, 6)))
        2 | bad: x
          |      ^
    """
    if not 0 < place.line <= len(lines):
        return ""
    line = lines[place.line - 1]
    start = max(0, place.column - 80)
    shown = line[start : start + 120].replace("\t", " ")
    pointer = " " * (place.column - 1 - start) + "^" if place.column else ""
    return f"{place.line:>5} | {shown}\n      | {pointer}".rstrip()


def _find(node: yaml.Node, keys: tuple[Key, ...]) -> Any:
    mark = node.start_mark
    for key in keys:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == key:
                    mark, child = name.start_mark, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            child = node.value[key]
            mark = child.start_mark
        if child is None:
            return mark
        node = child
    return mark


def read_documents(file: Path, errors: list[RuleError]) -> list[Document]:
    """Give the documents of a rule file; what cannot be read, or holds none, is added to `errors`."""
    told = len(errors)
    text = _text_of(file, errors)
    documents = list(parse_documents(text, str(file), errors)) if text is not None else []
    if not documents and len(errors) == told:
        errors.append(_of_file(file, "no rule is in it", "write one, or remove the file"))
    return documents


def _text_of(file: Path, errors: list[RuleError]) -> str | None:
    if file.exists() and not file.is_file():
        errors.append(_of_file(file, "no regular file", "put the rule into one"))
        return None
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) <= MAX_BYTES:
            return content.decode()
        errors.append(_of_file(file, "larger than 1 MiB", "split it"))
    except (OSError, UnicodeDecodeError) as error:
        errors.append(_of_file(file, f"cannot be read: {error}", "check the file"))
    return None


def _of_file(file: Path, cause: str, mend: str) -> RuleError:
    return RuleError(cause, code="file", place=Place(str(file)), mend=mend)


def parse_documents(text: str, path: str, errors: list[RuleError]) -> Iterator[Document]:
    """Give the documents of a text; what is not a YAML mapping is added to `errors`."""
    lines = tuple(text.splitlines())
    loader: yaml.CSafeLoader | None = None
    try:
        loader = open_yaml(text)
        while loader.check_node():
            node = loader.get_node()
            if node is None or (isinstance(node, yaml.ScalarNode) and node.value == ""):
                continue
            if bad := list(_bad_keys(node)):
                errors += [_not_yaml(fault, path, lines) for fault in bad]
                continue
            data = loader.construct_document(node)
            check_alias_expansion(data)
            if not isinstance(data, dict):
                place = Place(path, node.start_mark.line + 1, node.start_mark.column + 1)
                errors.append(
                    RuleError(
                        "not a rule: a mapping is wanted",
                        code="yaml",
                        place=place,
                        mend="a rule begins with `title:`",
                        excerpt=excerpt(lines, place),
                    )
                )
                continue
            yield Document(path, lines, node, data)
    except yaml.MarkedYAMLError as error:
        errors.append(_not_yaml(error, path, lines))
    except (yaml.YAMLError, SigmaError, RecursionError, ValueError) as error:
        errors.append(_unreadable(error, path, text, lines))
    finally:
        if loader:
            loader.dispose()


def _not_yaml(error: yaml.MarkedYAMLError, path: str, lines: tuple[str, ...]) -> RuleError:
    mark = error.problem_mark or error.context_mark
    place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
    cause = f"not YAML: {error.problem or error.context}"
    return RuleError(cause, code="yaml", place=place, mend="mend the YAML", excerpt=excerpt(lines, place))


def _unreadable(error: Exception, path: str, text: str, lines: tuple[str, ...]) -> RuleError:
    """Say what is no YAML, and where when that is known."""
    if isinstance(error, RecursionError):
        return RuleError("nested too deeply", code="yaml", place=Place(path), mend="nest less")
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    place = Place(path)
    if isinstance(error, ReaderError):
        before = text[: error.position]
        place = Place(path, before.count("\n") + 1, len(before) - before.rfind("\n"))
    found = excerpt(lines, place)
    return RuleError(f"not YAML: {cause}", code="yaml", place=place, mend="mend the YAML", excerpt=found)


def _bad_keys(root: yaml.Node) -> Iterator[yaml.MarkedYAMLError]:
    """Give each key that is no scalar, or stands twice in one mapping, where YAML would keep one of them."""
    waiting, done = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in done:
            continue
        done.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(reversed(node.value))
        elif isinstance(node, yaml.MappingNode):
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    yield yaml.MarkedYAMLError(problem="a key is no scalar", problem_mark=key.start_mark)
                elif key.value in seen:
                    problem = f"key {key.value!r} stands twice"
                    yield yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                else:
                    seen.add(key.value)
            waiting.extend(value for _, value in reversed(node.value))
