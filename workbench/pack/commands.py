"""`workbench pack`: keys, building, verifying, looking inside, comparing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, Pack, Trust, show, show_json

group = typer.Typer(help="Build, sign, verify and compare rule packs.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add `pack keygen`, `build`, `inspect`, `diff` and `vectors`; the verbs of evidence add themselves."""
    for command in (keygen, build, inspect, diff, vectors):
        group.command(command.__name__)(command)
    app.add_typer(group, name="pack")


def keygen(
    out: Annotated[Path, typer.Option("--out", metavar="K", help="where the private key goes")],
    trust: Annotated[bool, typer.Option(help="trust packs signed with it on this machine")] = True,
    format: Format = "text",
) -> None:
    """Make an Ed25519 key: PEM (PKCS#8) at K, its public half at K.pub, which this user then trusts.

    Example: `workbench pack keygen --out signing.key`
    """
    from workbench.pack.keys import generate_key, trust_key

    public = generate_key(out)
    trusted = trust_key(public) if trust else None
    if format == "json":
        kept = str(trusted) if trusted else None
        show_json({"private_key": str(out), "public_key": str(public), "trusted_as": kept})
        return
    typer.echo(f"private key: {out}\npublic key:  {public}")
    if trusted:
        typer.echo(f"trusted as:  {trusted}")


def build(
    rules: Annotated[list[Path], typer.Argument(metavar="RULES…", help="rule files or directories of them")],
    out: Annotated[Path, typer.Option("--out", metavar="P", help="the pack to write")],
    key: Annotated[Path, typer.Option("--key", metavar="K", help="the private key to sign with")],
    baseline: Annotated[
        list[Path] | None, typer.Option(metavar="F", help="a frozen baseline; repeatable")
    ] = None,
    fusion: Annotated[
        Path | None, typer.Option(metavar="F", help="weights of the signals, from `workbench calibrate`")
    ] = None,
    name: Annotated[str, typer.Option(help="the pack's name; its file name when left out")] = "",
    version: Annotated[str, typer.Option(help="the pack's own version")] = "1",
    expires: Annotated[str, typer.Option(metavar="TIME", help="RFC 3339; never when left out")] = "",
    placeholders: Annotated[Path | None, typer.Option(metavar="F", help="YAML: placeholder → values")] = None,
    skip_refused: Annotated[
        bool, typer.Option(help="leave out rules that cannot be honoured, telling which")
    ] = False,
    format: Format = "text",
) -> None:
    """Lower the rules, add baselines and registries, and sign it all. The same inputs give the same bytes.

    Example: `workbench pack build rules/ --out exfil.pack --key signing.key`
    """
    import time
    from functools import partial

    from packaging.version import InvalidVersion, Version

    from workbench.errors import InputError
    from workbench.event import parse_timestamp
    from workbench.files import write_aside
    from workbench.pack.build import build_payload
    from workbench.pack.evidence import digests, vectors_of
    from workbench.pack.fusion import read_fusion
    from workbench.pack.signing import sign
    from workbench.printable import counted, printable
    from workbench.rule.lower import lower_all
    from workbench.rule.ruleset import load, read_placeholders

    private = key
    try:
        until = parse_timestamp(expires) if expires else None
    except ValueError as error:
        raise InputError(f"--expires: {error}", mend="such as 2027-01-31T00:00:00Z") from None
    if until is not None and until <= time.time_ns():
        raise InputError(f"--expires: {expires} has passed", mend="give a time to come")
    try:
        Version(version)
    except InvalidVersion:
        raise InputError(f"--version {version!r} is no version", mend="such as 1.4.2 or 1.5rc1") from None
    values = read_placeholders(placeholders) if placeholders else None
    ruleset = load(rules, placeholders=values, strict=not skip_refused)
    refused = list(ruleset.errors)
    if skip_refused:
        plan, not_lowered = lower_all(ruleset)
        refused += not_lowered
        ruleset = ruleset.of({rule["id"] for rule in plan["rules"]})
    for fault in refused:
        typer.echo(f"left out: {printable(str(fault))}", err=True)
    payload_with = partial(
        build_payload,
        ruleset,
        name or out.stem,
        version,
        baselines=[frozen for file in baseline or () for frozen in _baselines(file)],
        fusion=read_fusion(fusion) if fusion else None,
        expires=until,
    )
    evidence = digests(ruleset, baseline or ())
    payload = payload_with(evidence=evidence)
    if tests := vectors_of(ruleset, payload):
        payload = payload_with(evidence=evidence | {"vectors": tests})
    pack = sign(payload, private)
    write_aside(out, pack)
    packed = len(ruleset.rules)
    if format == "json":
        faults = [str(fault) for fault in refused]
        show_json({"pack": str(out), "rules": packed, "bytes": len(pack), "left_out": faults})
        return
    left_out = f", {counted(len(refused), 'fault')} left out" if refused else ""
    typer.echo(f"{out}: {counted(packed, 'rule')}, {len(pack):,} bytes{left_out}")


def _baselines(file: Path) -> list[dict[str, object]]:
    from workbench.baseline import frozen

    return list(frozen.load(file))


def inspect(
    pack: Pack,
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Show what a pack holds: its rules, baselines, registries and evidence.

    Example: `workbench pack inspect exfil.pack --format json`
    """
    import msgspec

    from workbench.pack.keys import trusted_keys
    from workbench.pack.show import rules_table
    from workbench.scorer.payload import decode_payload, open_pack

    payload = decode_payload(open_pack(pack, trusted_keys(trust)), pack)
    if format == "json":
        typer.echo(msgspec.json.format(msgspec.json.encode(payload), indent=2).decode())
        return
    show(rules_table(payload))


def diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="the older pack")],
    new: Annotated[Path, typer.Argument(metavar="B", help="the newer pack")],
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Tell what differs between two packs, rule by rule; exit 1 when something does.

    Example: `workbench pack diff old.pack new.pack`
    """
    from workbench.pack.difference import differences
    from workbench.pack.keys import trusted_keys
    from workbench.printable import printable
    from workbench.scorer.payload import decode_payload, open_pack

    keys = trusted_keys(trust)
    found = differences(*(decode_payload(open_pack(pack, keys), pack) for pack in (old, new)))
    if format == "json":
        show_json({"old": str(old), "new": str(new), "differences": found})
    else:
        for line in found or ["nothing differs"]:
            typer.echo(printable(line))
    raise typer.Exit(1 if found else 0)


def vectors(
    out: Annotated[Path | None, typer.Option("--out", metavar="F", help="write them to a file")] = None,
    format: Format = "text",
) -> None:
    """Give the pack format's test vectors, one JSON object a line: plan, events, and what must fire.

    Example: `workbench pack vectors --out vectors.jsonl`
    """
    import msgspec

    from workbench.files import write_aside
    from workbench.pack.vectors import vectors

    lines = [msgspec.json.encode(vector) + b"\n" for vector in vectors()]
    if out is None:
        for line in lines:
            typer.echo(line, nl=False)
        return
    write_aside(out, b"".join(lines))
    if format == "json":
        show_json({"vectors": str(out), "cases": len(lines)})
    else:
        typer.echo(f"{out}: {len(lines)} vectors")
