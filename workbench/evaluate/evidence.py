"""What a pack's evidence states, and how it is recomputed: what went in, what came out, by which policy."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from workbench.dataset.dataset import MANIFEST, Dataset, digest
from workbench.evaluate.backtest import Report
from workbench.evaluate.summary import summarise
from workbench.pack.statement import Checked

PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
BACKTEST = "urn:agent-detection-workbench:backtest:1"
BUILD = "urn:agent-detection-workbench:pack-build:1"
_LIBRARIES = ("agent-detection-workbench", "msgspec", "numpy", "pyarrow", "pysigma", "river", "google-re2")


def dataset_digests(dataset: Dataset, directories: Iterable[Path]) -> list[dict[str, Any]]:
    """Describe the recordings judged by: the manifest, if any, and each recording's files."""
    files = [dataset.path / MANIFEST] + [
        directory / name for directory in directories for name in ("events.parquet", "labels.parquet")
    ]
    return [_descriptor(file, file.relative_to(dataset.path)) for file in files if file.is_file()]


def _descriptor(file: Path, name: Path | str = "") -> dict[str, Any]:
    return {"name": str(name or file.name), "digest": {"sha256": digest(file)}}


def provenance(
    evidence: Mapping[str, Any], datasets: Sequence[Mapping[str, Any]], notebooks: Iterable[Path]
) -> dict[str, Any]:
    """Give the SLSA predicate: digests of rules, baselines, datasets and notebooks; the environment."""
    listed = [
        {"name": f"{kind}/{name}", "digest": {"sha256": value}}
        for kind in ("rules", "baselines")
        for name, value in sorted(evidence.get(kind, {}).items())
    ]
    return {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": {},
            "internalParameters": {"environment": environment()},
            "resolvedDependencies": [
                *listed,
                *({**one, "name": f"dataset/{one['name']}"} for one in datasets),
                *(_descriptor(file, f"notebook/{file.name}") for file in sorted(notebooks)),
            ],
        },
        "runDetails": {"builder": {"id": BUILD}},
    }


def environment() -> dict[str, str]:
    """Give the versions that a figure may depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def figures(report: Report, split: str = "") -> dict[str, Any]:
    """Give the predicate of a backtest: its metrics, without the sessions, which can be had again."""
    summary = summarise(report)
    rules = {
        rule.rule_id: {
            "caught": rule.metrics.true_positives,
            "false_positives": rule.metrics.false_positives,
            "proven": rule.proven,
        }
        for rule in report.rules
    }
    found: dict[str, Any] = msgspec.to_builtins(
        {
            "split": split,
            "sessions": len(report.outcomes),
            "verdict": asdict(report.verdict),
            "twins": summary.twins,
            "timeliness": summary.timeliness,
            "recall": summary.recall,
            "rules": rules,
        }
    )
    return found


def result(reasons: Sequence[str], policy: Path) -> dict[str, Any]:
    """Give the predicate of a gate: whether the policy was kept, and every reason why not."""
    return {
        "result": "FAILED" if reasons else "PASSED",
        "configuration": [_descriptor(policy)],
        "failedTests": list(reasons),
    }


def recomputed(found: Iterable[Checked], again: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Tell, a line each, which statements hold when made again: `again` is predicate type → predicate."""
    for one in found:
        kind = one.statement.predicate_type
        if kind not in again:
            continue
        old, new = one.statement.predicate, again[kind]
        if kind == PROVENANCE:
            yield from _dependencies(old, new)
        else:
            same = msgspec.json.encode(old, order="sorted") == msgspec.json.encode(new, order="sorted")
            yield f"{'holds' if same else 'DIFFERS'}: {kind}, measured again"


def _dependencies(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    stated, had = (
        {
            one["name"]: one["digest"]["sha256"]
            for one in predicate.get("buildDefinition", {}).get("resolvedDependencies", [])
        }
        for predicate in (old, new)
    )
    same = sum(stated.get(name) == value for name, value in had.items())
    yield f"{'holds' if same == len(had) else 'DIFFERS'}: {same} of {len(had)} digests of what is at hand"
    yield from (f"DIFFERS: {name}" for name, value in had.items() if stated.get(name) != value)
    before = old.get("buildDefinition", {}).get("internalParameters", {}).get("environment", {})
    for name, version in environment().items():
        if before.get(name) != version:
            yield f"note: {name} was {before.get(name)}, here it is {version}"
