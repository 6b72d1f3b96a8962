"""A rule editor: each change is tried over recordings at once."""

from __future__ import annotations

from pathlib import Path

import traitlets

from workbench.nb.trial.place import DATASET, find
from workbench.nb.trial.save import save
from workbench.nb.trial.trial import Trial, try_rules
from workbench.nb.view.plain import plain
from workbench.nb.widget.base import Widget, script


class RuleEditor(Widget):
    """Write a Sigma rule; faults are marked at their place, and its backtest changes as you type.

    Takes the rule's text, and like `%%sigma` the dataset, a glob of scenarios and the directory of rules.
    """

    _esm = script("rule_editor.js")
    source = traitlets.Unicode("").tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    result = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        source: str = "",
        dataset: Path | str = DATASET,
        *,
        name: str = "",
        scenario: str = "*",
        rules: Path | str = "rules",
    ) -> None:
        super().__init__(source=source, name=name)
        self._dataset, self._scenario, self._rules = dataset, scenario, rules
        self.trial = Trial(source)
        if source:
            self.do_try(source)

    def do_try(self, source: str) -> None:
        """Try the rule as it is now."""
        self.source = source
        self.trial = try_rules(source, self._dataset, rules=self._rules, scenario=self._scenario)
        self.message, self.result = "", self.trial._repr_html_()

    def do_save(self, source: str, name: str) -> None:
        """Save the rule into the directory of rules, with a test of what it caught."""
        self.do_try(source)
        self.name = name
        written = save(self.trial, name, find(self._rules))
        self.message = f"wrote {' and '.join(str(file) for file in written)}"

    def static(self) -> str:
        """Give the rule and what came of it."""
        return f"<pre>{plain(self.source)}</pre>{self.result}"

    def __repr__(self) -> str:
        """Give what came of the rule, as text."""
        return f"RuleEditor: {self.trial!r}"
