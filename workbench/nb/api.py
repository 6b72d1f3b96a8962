"""The plain functions a notebook needs: `import workbench as wb`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording
from workbench.scorer import Finding, Scorer

if TYPE_CHECKING:
    import pandas as pd

    from workbench.evaluate.backtest import Report
    from workbench.nb.trial.trial import Trial


def open_dataset(path: Path | str) -> Dataset:
    """Open a dataset, or any directory of recordings; raises RecordingError when there is none.

    >>> data = open_dataset("datasets/quickstart")
    >>> len(data.directories()), sum(recording.malicious for recording in data.recordings())
    (12, 3)
    """
    return Dataset.open(path)


def open_scorer(
    rules: Path | str, *, baseline: Path | str | None = None, trust: Sequence[Path | str] = ()
) -> Scorer:
    """Make a scorer of a signed pack, or of rules as they would be packed.

    Raises RuleErrors with every fault of the rules, SignatureError when who signed the pack is not trusted.

    >>> scorer = open_scorer("rules/exfiltration")
    >>> len(scorer.plan.rules) > 10
    True
    """
    return Scorer.from_payload(_payload(rules, baseline, trust))


def backtest(
    rules: Path | str,
    dataset: Dataset | Path | str | Sequence[Recording],
    *,
    baseline: Path | str | None = None,
    trust: Sequence[Path | str] = (),
    engine: str = "local",
) -> Report:
    """Score a dataset's recordings, or those given, with a signed pack or with rules as if packed.

    >>> attack = next(run for run in open_dataset("datasets/quickstart").recordings() if run.malicious)
    >>> report = backtest("rules", [attack])
    >>> [(one.scenario, one.malicious, one.decision) for one in report.outcomes]
    [('secret-to-egress', True, 'alert')]
    """
    from workbench.evaluate.backtest import backtest as run_backtest
    from workbench.evaluate.engine import open_map

    payload = _payload(rules, baseline, trust)
    with open_map(engine) as run:
        return run_backtest(payload, _directories(dataset), map=run)


def _directories(dataset: Dataset | Path | str | Sequence[Recording]) -> list[Path]:
    match dataset:
        case Dataset():
            return dataset.directories()
        case str() | Path():
            return Dataset.open(dataset).directories()
    return [recording.path for recording in dataset]


def _payload(rules: Path | str, baseline: Path | str | None, trust: Sequence[Path | str]) -> bytes:
    from workbench.evaluate.load import load_payload

    chosen = Path(baseline) if baseline is not None else None
    return load_payload(Path(rules), baseline=chosen, trust=[Path(key) for key in trust])


def score(scorer: Scorer, recording: Recording | Path | str) -> list[Finding]:
    """Score a recording from its beginning to its close; gives its findings in order.

    >>> findings = score(open_scorer("rules"), "datasets/quickstart/recordings/run-06")
    >>> findings[0].rule_title
    'A process holding secret data connects to an unknown host'
    """
    recording = recording if isinstance(recording, Recording) else Recording.open(recording)
    found = [finding for event in recording.events() for finding in scorer.score(event)]
    return found + scorer.close()


def try_rules(source: str, dataset: Path | str = "datasets/quickstart", *, scenario: str = "*") -> Trial:
    """Check Sigma rules given as text and run them over a dataset, as `%%sigma` does in a cell.

    >>> selection = "{selection: {Image|endswith: /curl}, condition: selection}"
    >>> rule = f"title: curl\\nlogsource: {{category: process_creation}}\\ndetection: {selection}"
    >>> try_rules(rule, scenario="secret-to-egress*").caught()
    {'secret-to-egress': (3, 3)}
    """
    from workbench.nb.trial.trial import try_rules as run

    return run(source, dataset, scenario=scenario)


def query(sql: str, dataset: Dataset | Path | str = "datasets/quickstart") -> pd.DataFrame:
    """Run SQL over the views `events`, `labels` and `sessions` of a dataset, as `%%sql` does in a cell.

    >>> query("SELECT count(*) AS sessions FROM sessions")
       sessions
    0        12
    """
    from workbench.nb.query import query as run
    from workbench.nb.trial.place import find

    return run(sql, dataset if isinstance(dataset, Dataset) else find(dataset))


def browse(dataset: Dataset | Path | str = "datasets/quickstart", scorer: Scorer | None = None) -> Any:
    """Give the widget that lists a dataset's sessions and opens one; with a scorer, with its findings.

    >>> browse()
    SessionBrowser: 12 sessions
    """
    from workbench.nb.widget.session_browser import SessionBrowser

    return SessionBrowser(dataset, scorer)


def edit_rule(source: str = "", dataset: Path | str = "datasets/quickstart", *, scenario: str = "*") -> Any:
    """Give the widget in which a Sigma rule is written, its backtest beside it.

    >>> edit_rule("title: Mine\\nlogsource: {category: dns_query}\\ndetection: {s: {Quer: x}, condition: s}")
    RuleEditor: 1 error, nothing was run
    rule:3:17: [field] no source fills the field 'Quer' (mend: did you mean query?)
        3 | detection: {s: {Quer: x}, condition: s}
          |                 ^
    """
    from workbench.nb.widget.rule_editor import RuleEditor

    return RuleEditor(source, dataset, scenario=scenario)


def label(recording: Recording | Path | str, by: str = "hand") -> Any:
    """Give the widget in which a recording's events are labelled by single keys.

    >>> label("datasets/quickstart/recordings/run-06")
    Labeller: 1151 events, 874 benign, 277 malicious
    """
    from workbench.nb.widget.labeller import Labeller

    return Labeller(recording, by)


def show(thing: Any, findings: Sequence[Finding] = ()) -> Any:
    """Give the view of a report, of findings, of a data frame, of rules, or of a recording's process tree.

    Two recordings in a tuple are shown beside each other. Anything else is given back as it is.

    >>> run = next(open_dataset("datasets/quickstart").recordings())
    >>> repr(show(run)).count("curl") > 0
    True
    >>> show("nothing of ours")
    'nothing of ours'
    """
    from workbench.nb.view.of import view_of

    return view_of(thing, findings)
