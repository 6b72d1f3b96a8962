"""Agent Detection Workbench: study what coding agents do on a host, and ship rules that sensors run.

In a notebook, `import workbench as wb` gives `wb.open_dataset`, `wb.open_scorer`, `wb.backtest`, `wb.score`,
`wb.try_rules`, `wb.query` and `wb.show`, and the widgets `wb.browse`, `wb.edit_rule` and `wb.label`;
`%load_ext workbench` gives `%%sigma`, `%%sql` and `%explain`. They are loaded when first used, so that
importing `workbench.scorer` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_NOTEBOOK = (
    *("backtest", "browse", "edit_rule", "label", "open_dataset", "open_scorer", "query", "score", "show"),
    "try_rules",
)


def __getattr__(name: str) -> Any:
    if name not in _NOTEBOOK:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module("workbench.nb.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_NOTEBOOK])


def load_ipython_extension(shell: Any) -> None:
    """Register the magics, when IPython is told `%load_ext workbench`."""
    import_module("workbench.nb.magic").load(shell)
