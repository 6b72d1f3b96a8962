"""Adds up what a backtest proves of each rule, and of all of them together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from workbench.dataset.dataset import Manifest
from workbench.evaluate.backtest import Report, RuleResult
from workbench.evaluate.metrics import Judged, measure
from workbench.evaluate.outcome import ALERTING, Outcome
from workbench.evaluate.proof import NAMED_BY_PROOF, Maturity, Proof, RuleProof, Tally, Threshold


def prove(
    report: Report,
    manifest: Manifest,
    *,
    identity: str,
    digests: Mapping[str, str],
    thresholds: Mapping[Maturity, Threshold],
) -> Proof:
    """Add up what a backtest over the dataset of `manifest` proves.

    `identity` is the manifest's SHA-256, `digests` rule id → digest of what it means, `thresholds` the
    maturities with the highest first.
    """
    splits = {name: entry.split for name, entry in manifest.recordings.items()}
    malicious = [outcome for outcome in report.outcomes if outcome.malicious]
    benign = [outcome for outcome in report.outcomes if not outcome.malicious]
    techniques: dict[str, set[str]] = defaultdict(set)
    for outcome in malicious:
        for technique in outcome.techniques:
            techniques[technique].add(outcome.scenario)
    trained_on = {o.scenario for o in malicious if splits.get(o.recording) != "test"}
    return Proof(
        dataset=manifest.name,
        version=manifest.version,
        manifest=identity,
        rules={
            rule.rule_id: _rule(rule, digests[rule.rule_id], report.outcomes, splits, thresholds)
            for rule in sorted(report.rules, key=lambda rule: rule.title)
        },
        scenarios=_tallies((o.scenario, o) for o in malicious),
        twins=_tallies((o.twin_of, o) for o in benign if o.twin_of),
        techniques={name: sorted(scenarios) for name, scenarios in sorted(techniques.items())},
        mutators=_tallies((o.mutator, o) for o in malicious if o.mutator),
        attacks=_tallies(_kinds("attacks", malicious, splits)),
        benign=_tallies(
            each
            for kind, some in (
                ("ordinary work", [o for o in benign if not o.twin_of]),
                ("twins", [o for o in benign if o.twin_of]),
            )
            for each in _kinds(kind, some, splits)
        ),
        blocked=sorted(outcome.recording for outcome in benign if outcome.decision == "block"),
        unseen=sorted({o.scenario for o in malicious} - trained_on),
    )


def _kinds(
    kind: str, outcomes: Iterable[Outcome], splits: Mapping[str, str]
) -> Iterator[tuple[str, Outcome]]:
    for outcome in outcomes:
        yield kind, outcome
        if split := splits.get(outcome.recording):
            yield f"{kind}, {split} split", outcome


def _tallies(named: Iterable[tuple[str, Outcome]]) -> dict[str, Tally]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for name, outcome in named:
        groups[name].append(outcome)
    return {name: _tally(outcomes) for name, outcomes in sorted(groups.items())}


def _tally(outcomes: Sequence[Outcome]) -> Tally:
    times = [outcome.in_time for outcome in outcomes if outcome.in_time is not None]
    return Tally(len(outcomes), sum(outcome.called for outcome in outcomes), len(times), sum(times))


def _rule(
    rule: RuleResult,
    digest: str,
    outcomes: Sequence[Outcome],
    splits: Mapping[str, str],
    thresholds: Mapping[Maturity, Threshold],
) -> RuleProof:
    fired = {o.recording for o in outcomes if any(hit.rule_id == rule.rule_id for hit in o.hits)}
    caught = [o for o in outcomes if o.malicious and o.caught_by(rule.rule_id)]
    proved = {o.recording for o in caught}
    twins = [o for o in outcomes if o.twin_of and o.twin_of in {each.scenario for each in caught}]
    wrong = [o for o in outcomes if o.malicious and o.recording in fired - proved]
    metrics = measure([Judged(o.malicious, o.recording in fired and o not in wrong) for o in outcomes])
    shown = Threshold(
        recordings=len(caught),
        agents=len({o.agent for o in caught}),
        held_out=sum(splits.get(o.recording) == "test" for o in caught),
        precision=len(caught) / max(1, len(fired)),
        upper_per_1000=metrics.false_positives_per_1000_upper or 0.0,
    )
    return RuleProof(
        title=rule.title,
        digest=digest,
        response=rule.response,
        maturity=_maturity(shown, thresholds, accuses=rule.response in ALERTING),
        caught=len(caught),
        held_out=shown.held_out,
        agents=sorted({o.agent for o in caught}),
        false_positives=metrics.false_positives,
        wrong=len(wrong),
        twins_alerted=sum(o.recording in fired for o in twins),
        scenarios=dict(sorted(Counter(o.scenario for o in caught).items())),
        recordings=_chosen(caught),
        twins=_chosen([o for o in twins if o.recording not in fired]),
    )


def _maturity(shown: Threshold, thresholds: Mapping[Maturity, Threshold], *, accuses: bool) -> Maturity:
    for name, asked in thresholds.items():
        enough = (
            shown.recordings >= asked.recordings
            and shown.agents >= asked.agents
            and shown.held_out >= asked.held_out
        )
        right = shown.precision >= asked.precision and shown.upper_per_1000 <= asked.upper_per_1000
        if enough and (right or not accuses):
            return name
    return "experimental"


def _chosen(outcomes: Sequence[Outcome]) -> list[str]:
    """Choose recordings to name: of many scenarios, then of many agents, plain ones before evasions."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    ranked = []
    for o in sorted(outcomes, key=lambda o: (bool(o.mutator), o.recording)):
        ranked.append((taken[o.scenario, ""], taken[o.scenario, o.agent], o.recording))
        taken[o.scenario, ""] += 1
        taken[o.scenario, o.agent] += 1
    return sorted(name for _, _, name in sorted(ranked)[:NAMED_BY_PROOF])
