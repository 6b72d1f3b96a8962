"""`workbench sensor run`, `workbench audit verify`, `export` and `prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, Trust, show_json

Log = Annotated[Path, typer.Argument(metavar="LOG", help="an audit log, or the chain.jsonl of a bundle")]


def register(app: typer.Typer) -> None:
    """Add the `sensor` and `audit` commands."""
    sensor = typer.Typer(no_args_is_help=True, help="Watch agents on this host with a signed pack.")
    sensor.command("run")(run)
    sensor.callback()(lambda: None)
    app.add_typer(sensor, name="sensor")
    audit = typer.Typer(no_args_is_help=True, help="Check and share what a sensor wrote down.")
    audit.command("verify")(verify)
    audit.command("export")(export)
    audit.command("prune")(prune)
    app.add_typer(audit, name="audit")


def run(
    pack: Annotated[
        Path, typer.Option("--pack", metavar="P", help="the signed pack; taken up again when it changes")
    ],
    command: Annotated[list[str] | None, typer.Argument(metavar="-- CMD…", help="the agent to start")] = None,
    pid: Annotated[
        list[int] | None, typer.Option(help="watch a running process and its tree; repeatable")
    ] = None,
    trust: Trust = None,
    enforce: Annotated[
        bool, typer.Option("--enforce", help="end what a verdict blocks; alert only without it")
    ] = False,
    on_failure: Annotated[
        str, typer.Option(help="open: the agent goes on when the sensor fails; closed: it is ended")
    ] = "open",
    sink: Annotated[
        list[str] | None,
        typer.Option(
            metavar="S", help="stdout[:ocsf|:text], file:F, syslog:…, https://…, otlp://…; repeatable"
        ),
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(metavar="LOG", help="the audit log; in the state directory by default")
    ] = None,
    audit_key: Annotated[
        Path | None, typer.Option(metavar="K", help="the key that signs it; made beside it by default")
    ] = None,
    exceptions: Annotated[
        Path | None, typer.Option(metavar="F", help="accepted findings, YAML: scope and end")
    ] = None,
    agent: Annotated[str, typer.Option(help="the agent's name")] = "unknown",
    hooks: Annotated[
        Path | None, typer.Option(help="where the harness's hooks append; a file of its own for CMD")
    ] = None,
    transcript: Annotated[
        list[str] | None,
        typer.Option(metavar="FORMAT[:PATH]", help="follow what the harness writes; repeatable"),
    ] = None,
    source: Annotated[str, typer.Option(help="source of events: auto, bcc, strace")] = "auto",
    pin: Annotated[str, typer.Option(metavar="VERSION", help="run no other version of the pack")] = "",
    minimum: Annotated[str, typer.Option(metavar="VERSION", help="run no older version of the pack")] = "",
    revoked: Annotated[
        Path | None, typer.Option(metavar="F", help="SHA-256 of payloads never to run, one a line")
    ] = None,
    rollout: Annotated[
        int, typer.Option(min=0, max=100, help="per cent of hosts that take a new version")
    ] = 100,
    keep_days: Annotated[
        int, typer.Option(min=0, help="delete older audit records, and write that down; 0 keeps all")
    ] = 0,
    stats: Annotated[
        Path | None, typer.Option(metavar="F", help="write counts, loss and latency as JSON")
    ] = None,
) -> int:
    """Watch an agent: score what it does as it does it, alert, and write it down; block only with --enforce.

    Exits with the command's own status.
    Example: `workbench sensor run --pack exfil.pack -- codex exec "fix the test"`
    """
    from workbench.sensor.program import Settings, run_sensor

    return run_sensor(
        Settings(
            pack=pack,
            command=command or [],
            pids=pid or [],
            trust=trust,
            enforce=enforce,
            on_failure=on_failure,
            sinks=sink or ["stdout"],
            audit=audit,
            audit_key=audit_key,
            exceptions=exceptions,
            agent=agent,
            hooks=hooks,
            transcripts=transcript or [],
            source=source,
            pin=pin,
            minimum=minimum,
            revoked=revoked,
            rollout=rollout,
            keep_days=keep_days,
            stats=stats,
        )
    )


def verify(log: Log, trust: Trust = None, format: Format = "text") -> int:
    """Check an audit log: every record, its place and the signatures; exit 1 when anything was tampered with.

    Without --trust the public key beside the log is taken, which only shows that the log agrees with itself.

    Example: `workbench audit verify audit.jsonl --trust audit.key.pub`
    """
    from dataclasses import asdict

    from workbench.errors import InputError
    from workbench.sensor.verify import verify as check

    if not log.is_file():
        raise InputError("no such log", place=log, mend="check the path")
    beside = Path(f"{log}.key.pub")
    if not trust and not beside.is_file():
        raise InputError(
            "no key to check it with", place=log, mend="give --trust PUB, the sensor's public key"
        )
    report = check(log, trust or [beside])
    if format == "json":
        show_json({"log": str(log), "whole": report.whole, **asdict(report)})
        return 0 if report.whole else 1
    for problem in report.problems:
        typer.echo(f"tampered: {problem}")
    for note in report.notes:
        typer.echo(f"note: {note}")
    if not trust:
        typer.echo(
            f"note: checked with {beside.name}, which lies beside the log; compare it with your own copy"
        )
    typer.echo(
        f"{log}: {report.records} records"
        + (f", {report.omitted} left out" if report.omitted else "")
        + f", {report.checkpoints} signed checkpoints; trustworthy up to record {report.trusted}"
        + (f" ({report.trusted_time})" if report.trusted_time else "")
    )
    return 0 if report.whole else 1


def export(
    log: Log,
    session: Annotated[
        str, typer.Option("--session", metavar="ID", help="the session to give out; its beginning will do")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="the bundle's directory, which must not exist")
    ],
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Give out one session's evidence as a bundle that a stranger can check without anything of ours.

    Other sessions' records stay in the chain as digests only.
    Example: `workbench audit export audit.jsonl --session 7f2c… --out evidence`
    """
    from workbench.sensor.bundle import export as write

    records = write(log, session, out, trust)
    if format == "json":
        show_json({"bundle": str(out), "session": session, "records": records})
    else:
        typer.echo(f"{out}: {records} records of session {session}")


def prune(
    log: Log,
    keep_days: Annotated[int, typer.Option("--keep-days", min=1, help="delete what is older")],
    key: Annotated[
        Path | None,
        typer.Option(metavar="K", help="the key that signs the log; the one beside it by default"),
    ] = None,
    format: Format = "text",
) -> None:
    """Delete old records of a log that no sensor writes to; a signed record says what went.

    Example: `workbench audit prune audit.jsonl --keep-days 90`
    """
    import time

    from workbench.errors import InputError
    from workbench.pack.keys import read_private_key
    from workbench.sensor.audit import AuditLog
    from workbench.sensor.retention import DAY, delete_before

    if not log.is_file():
        raise InputError("no such log", place=log, mend="check the path")
    audit = AuditLog(log, read_private_key(key or Path(f"{log}.key")))
    gone = delete_before(audit, time.time_ns() - keep_days * DAY)
    audit.close()
    if format == "json":
        show_json({"log": str(log), "deleted": gone})
    else:
        typer.echo(f"{log}: {gone} records deleted")
