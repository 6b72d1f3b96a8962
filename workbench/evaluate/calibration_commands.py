"""`workbench calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.output import Format, show_json, track

if TYPE_CHECKING:
    from workbench.evaluate.calibration import Calibration


def register(app: typer.Typer) -> None:
    """Add `calibrate`."""
    app.command("calibrate")(calibrate)


def calibrate(
    rules: Annotated[Path, typer.Argument(metavar="RULES|PACK")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    out: Annotated[Path, typer.Option("--out", metavar="F", help="the weights, as JSON")],
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines, with RULES")] = None,
    split: Annotated[str, typer.Option(help="learn from this split only: train, validation or test")] = "",
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with PACK")] = None,
    format: Format = "text",
) -> None:
    """Learn from labelled recordings how much each signal weighs in the fused score, and how well that holds.

    Example: `workbench calibrate rules datasets/quickstart --out build/fusion.json`, then
    `workbench pack build rules --fusion build/fusion.json …`
    """
    import msgspec

    from workbench.dataset.dataset import Dataset
    from workbench.evaluate.calibration import as_fusion, strongest_risks
    from workbench.evaluate.calibration import calibrate as fit
    from workbench.evaluate.load import load_payload
    from workbench.files import write_aside

    payload = load_payload(rules, baseline=baseline, trust=trust or [])
    directories = Dataset.open(dataset).chosen(split)
    found = fit(strongest_risks(payload, directory) for directory in track(directories, "session"))
    write_aside(out, msgspec.json.format(msgspec.json.encode(as_fusion(found)), indent=1) + b"\n")
    if format == "json":
        show_json(found)
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: Calibration) -> list[str]:
    lines = [f"{found.sessions} sessions, {found.malicious} of them malicious", f"bias {found.bias:+.2f}"]
    for signal, weight in found.weights.items():
        kept = " (kept: no session showed it)" if signal in found.unseen else ""
        lines.append(f"{signal:<10} {weight:.2f}{kept}")
    lines.append(
        f"Brier score {found.brier:.3f} held out, {found.brier_before:.3f} with the weights judged by hand"
    )
    lines += [
        f"{one.count:>4} sessions: predicted {one.predicted:.2f}, malicious {one.observed:.2f}"
        for one in found.reliability
    ]
    if found.few:
        lines.append("too few sessions to trust them: ten of the rarer class are wanted for each signal")
    if found.brier > found.brier_before:
        lines.append("the weights judged by hand do better: keep those")
    return lines
