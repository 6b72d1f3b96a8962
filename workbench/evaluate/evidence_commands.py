"""`workbench pack verify`, `approve` and `attest`: evidence in, shown, and measured again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.output import Format, Pack, Trust, show_json

if TYPE_CHECKING:
    from workbench.pack.statement import Checked

Key = Annotated[Path, typer.Option("--key", metavar="K", help="the private key to sign with")]


def register(app: typer.Typer) -> None:
    """Add to `pack`: `verify`, `approve` and `attest`."""
    from workbench.pack.commands import group

    for command in (verify, approve, attest):
        group.command(command.__name__)(command)


def verify(
    pack: Pack,
    trust: Trust = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="show what was stated about it")] = False,
    dataset: Annotated[Path | None, typer.Option(help="measure again on these recordings")] = None,
    split: Annotated[str, typer.Option(help="the split that was judged by")] = "",
    rules: Annotated[list[Path] | None, typer.Option(help="rule files to hold the digests against")] = None,
    format: Format = "text",
) -> None:
    """Check who signed a pack, that it is whole, and that this scorer can run it.

    With --evidence also what was measured, on what, and who approved; exit 1 when something measured again
    differs. Example: `workbench pack verify exfil.pack --trust signing.key.pub --evidence`
    """
    from workbench.pack.keys import trusted_keys
    from workbench.pack.statement import statements
    from workbench.printable import counted, printable
    from workbench.scorer import Scorer
    from workbench.scorer.payload import open_pack

    keys = trusted_keys(trust)
    payload = Scorer.load(pack, keys).payload
    named = printable(f"{payload.name} {payload.version}")
    data = open_pack(pack, keys)
    found = statements(data, keys) if evidence else []
    lines = list(_again(data, payload.evidence, found, dataset, split, rules)) if evidence else []
    differs = any(line.startswith("DIFFERS") for line in lines) or not all(one.about for one in found)
    if format == "json":
        told = {"pack": str(pack), "name": payload.name, "version": payload.version}
        stated = [
            {"type": one.statement.predicate_type, "said": one.statement.predicate, "signer": one.signer}
            for one in found
        ]
        show_json({**told, "rules": len(payload.plan.rules), "statements": stated, "measured_again": lines})
        raise typer.Exit(1 if differs else 0)
    typer.echo(f"{pack}: {named}, {counted(len(payload.plan.rules), 'rule')}, signed by a trusted key")
    if not evidence:
        return
    for one in found:
        typer.echo(printable("\n".join(_told(one))))
    if not found:
        typer.echo("no statements: add them with `workbench pack attest`")
    for line in lines:
        typer.echo(printable(line))
    if differs:
        raise typer.Exit(1)


def _told(one: Checked) -> list[str]:
    from workbench.evaluate.evidence import BACKTEST, PROVENANCE, TEST_RESULT
    from workbench.pack.statement import APPROVAL

    kind, said = one.statement.predicate_type, one.statement.predicate
    signer = f"by trusted key {one.signer[:16]}…" if one.signer else "by a key that is not trusted"
    lines = [f"{kind}\n  signed {signer}" + ("" if one.about else "; about OTHER content than this pack's")]
    if kind == BACKTEST:
        verdict = said.get("verdict", {})
        lines.append(
            f"  {said.get('sessions')} sessions: recall {verdict.get('recall')}, precision "
            f"{verdict.get('precision')}, {verdict.get('false_positives_per_1000')} false positives per 1,000"
        )
    elif kind == TEST_RESULT:
        lines += [f"  {said.get('result')}", *(f"  {reason}" for reason in said.get("failedTests", []))]
    elif kind == PROVENANCE:
        lines.append(f"  {len(said.get('buildDefinition', {}).get('resolvedDependencies', []))} digests")
    elif kind == APPROVAL:
        lines.append(f"  approved by {said.get('by')}: {said.get('reason')}")
    return lines


def _again(
    data: bytes,
    packed: dict[str, Any],
    found: list[Checked],
    dataset: Path | None,
    split: str,
    rules: list[Path] | None,
) -> list[str]:
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.evidence import (
        BACKTEST,
        PROVENANCE,
        dataset_digests,
        figures,
        provenance,
        recomputed,
    )
    from workbench.pack.evidence import digests
    from workbench.rule import load

    again: dict[str, dict[str, Any]] = {}
    listed: list[dict[str, Any]] = []
    if dataset is not None:
        opened = Dataset.open(dataset)
        directories = opened.chosen(split)
        again[BACKTEST] = figures(backtest(data, directories), split)
        listed = dataset_digests(opened, directories)
    if rules or listed:
        at_hand = digests(load(rules)) if rules else {}
        again[PROVENANCE] = provenance(at_hand, listed, [])
    return list(recomputed(found, again))


def approve(
    pack: Pack,
    key: Key,
    by: Annotated[str, typer.Option(help="who approves, as others know them")],
    out: Annotated[Path, typer.Option(metavar="F", help="where the signed approval goes")],
    reason: Annotated[str, typer.Option(help="what was looked at")] = "",
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Sign that this very content may ship; give it to who attests.

    Example: `workbench pack approve exfil.pack --key mine.key --by "On-call lead" --out approval.json`
    """
    import msgspec

    from workbench.files import write_aside
    from workbench.pack.keys import read_private_key, trusted_keys
    from workbench.pack.statement import APPROVAL, content_digest, state
    from workbench.scorer.payload import open_pack

    payload = open_pack(pack, trusted_keys(trust))
    signed = state(payload, APPROVAL, {"by": by, "reason": reason}, read_private_key(key))
    write_aside(out, msgspec.json.encode(signed))
    if format == "json":
        show_json({"approval": str(out), "content": content_digest(payload), "by": by})
    else:
        typer.echo(f"{out}: approval of content {content_digest(payload)[:16]}…")


def attest(
    pack: Pack,
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    policy: Annotated[Path, typer.Option(help="YAML: what the pack must show")],
    key: Key,
    out: Annotated[Path, typer.Option(metavar="P", help="the pack with its evidence")],
    split: Annotated[str, typer.Option(help="judge on this split only: train, validation or test")] = "",
    notebook: Annotated[list[Path] | None, typer.Option(help="a notebook that led to it; repeatable")] = None,
    approval: Annotated[list[Path] | None, typer.Option(help="from `pack approve`; repeatable")] = None,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "local",
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Measure a pack, judge it by a policy, and sign what was found into it as in-toto statements.

    A pack that fails is written with its reasons, and exit is 1. Example: `workbench pack attest exfil.pack
    datasets/quickstart --policy examples/policy.yml --key signing.key --out exfil-attested.pack`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate import evidence as stated
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.gate import reasons_against
    from workbench.evaluate.policy import read_policy
    from workbench.files import write_aside
    from workbench.pack.keys import read_private_key, trusted_keys
    from workbench.pack.signing import sign
    from workbench.pack.statement import approvers, read_envelope, state, statements, with_statements
    from workbench.scorer.payload import decode_payload, open_pack

    demanded, private, keys = read_policy(policy), read_private_key(key), trusted_keys(trust)
    opened = Dataset.open(dataset)
    directories = opened.chosen(split)
    approved = [read_envelope(file) for file in approval or ()]
    payload = with_statements(open_pack(pack, keys), approved)
    with open_map(engine) as chosen:
        report = backtest(payload, directories, map=chosen)
    known = approvers(statements(payload, keys))
    reasons = reasons_against(payload, report, demanded, directories, approvals=known)
    packed = decode_payload(payload).evidence
    made = stated.provenance(packed, stated.dataset_digests(opened, directories), notebook or ())
    predicates: dict[str, dict[str, Any]] = {
        stated.PROVENANCE: made,
        stated.BACKTEST: stated.figures(report, split),
        stated.TEST_RESULT: stated.result(reasons, policy),
    }
    signed = [state(payload, kind, said, private) for kind, said in predicates.items()]
    write_aside(out, sign(with_statements(payload, [*signed, *approved]), private))
    if format == "json":
        count = len(signed) + len(approved)
        show_json({"pack": str(out), "statements": count, "passed": not reasons, "reasons": reasons})
        raise typer.Exit(1 if reasons else 0)
    for reason in reasons:
        typer.echo(f"{pack}: {reason}")
    typer.echo(f"{out}: {len(signed) + len(approved)} statements, {predicates[stated.TEST_RESULT]['result']}")
    if reasons:
        raise typer.Exit(1)
