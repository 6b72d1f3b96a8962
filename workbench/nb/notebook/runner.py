"""Run a notebook as a regression: strict parameters, executed copy and self-contained HTML aside."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.manager import KernelManager
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError

from workbench.errors import GateError, InputError
from workbench.files import write_aside
from workbench.nb.notebook.kernel import empty, open_kernel
from workbench.nb.notebook.parameters import check_parameters, read_parameters

# The blocks that would load scripts from a CDN are left empty.
_TEMPLATE = "{%- extends 'lab/index.html.j2' -%}" + "".join(
    f"{{%- block {name} -%}}{{%- endblock {name} -%}}"
    for name in ("html_head_js", "jupyter_widgets", "html_head_js_mathjax", "html_head_js_mermaidjs")
)


def load(path: Path) -> nbformat.NotebookNode:
    """Read a notebook; raises InputError when it is not one."""
    try:
        notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise InputError("no such notebook", place=path, mend="see notebooks/") from None
    except (
        nbformat.reader.NotJSONError,
        nbformat.ValidationError,
        UnicodeDecodeError,
        OSError,
        AttributeError,
    ) as error:
        raise InputError(f"not a notebook: {error}", place=path, mend="save it again from Jupyter") from None
    return notebook


def run(
    path: Path,
    out: Path,
    parameters: Mapping[str, Any] | None = None,
    kernel: KernelManager | None = None,
) -> Path:
    """Execute `path` with `parameters`, write `out/NAME.ipynb` and `out/NAME.html`, and give the first.

    The notebook runs in its own directory and a kernel of its own, or in `kernel`, emptied. Raises GateError
    with the failing cell's exception when it fails; the copy executed so far is kept. Paths of this machine
    are scrubbed from what is written.
    """
    given = check_parameters(path, read_parameters(path, load(path)), parameters or {})
    target = out / path.name
    failure: PapermillExecutionError | None = None
    opened = nullcontext(kernel) if kernel is not None else open_kernel(path.parent)
    with tempfile.TemporaryDirectory() as scratch, opened as used:
        executed = Path(scratch) / path.name
        empty(used)
        try:
            papermill.execute_notebook(
                str(path),
                str(executed),
                parameters=given,
                language="python",
                progress_bar=False,
                cwd=str(path.parent),
                km=used,
            )
        except PapermillExecutionError as error:
            failure = error
        notebook = nbformat.reads(scrub(executed.read_text(), path.parent), as_version=4)
    notebook.metadata.pop("papermill", None)
    write_aside(target, nbformat.writes(notebook).encode())
    write_aside(target.with_suffix(".html"), to_html(notebook).encode())
    if failure is not None:
        raise GateError(
            f"cell [{failure.exec_count}] failed: {failure.ename}: {failure.evalue}",
            place=path,
            mend=f"see {target}",
        )
    return target


def scrub(text: str, directory: Path) -> str:
    """Replace this machine's paths, so that executed notebooks can be published."""
    root = directory.resolve().parent
    made = re.escape(tempfile.gettempdir()) + rf"{os.sep}tmp\w{{8}}\b"  # by `tempfile`; others are data
    text = re.sub(made, "<tmp>", text.replace(str(root), ".")) if len(str(root)) > 1 else text
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def to_html(notebook: nbformat.NotebookNode) -> str:
    """Render as one HTML page that loads nothing from elsewhere."""
    exporter = HTMLExporter(raw_template=_TEMPLATE)
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)
