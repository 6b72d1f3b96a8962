"""The verbs of capture: record, doctor, import."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.output import Format, show_json
from workbench.printable import counted

if TYPE_CHECKING:
    from workbench.dataset.session import Session


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command("record", context_settings={"allow_interspersed_args": False})(record)
    app.command("doctor")(doctor)
    app.command("import")(import_)


def record(
    out: Annotated[Path, typer.Option(help="the recording's directory, which must not exist")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD…", help="the command and its arguments")
    ] = None,
    source: Annotated[str, typer.Option(help="auto, bcc or strace")] = "auto",
    pid: Annotated[int | None, typer.Option(help="record a process that runs instead of a command")] = None,
    tls_plaintext: Annotated[bool, typer.Option(help="tell HTTP and mail sent through OpenSSL")] = False,
    bodies: Annotated[bool, typer.Option(help="with --tls-plaintext: keep redacted bodies")] = False,
    transcript: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT[:PATH]", help="follow what the harness writes, or a directory of it; repeatable"
        ),
    ] = None,
    agent: Annotated[str, typer.Option(help="the agent's name, kept with the recording")] = "unknown",
    timeout: Annotated[float | None, typer.Option(help="end the command after so many seconds")] = None,
    format: Format = "text",
) -> None:
    """Run a command and record everything its process tree does.

    The command's own exit status is kept with the recording; with `--format json` the result is the last line
    on standard output, after the command's own.

    Example:
    `workbench record --out build/hello -- sh -c 'date; id'`
    """
    from capture.recorder import record as run
    from capture.source import follow

    # A supervisor's polite end is an interruption too: what was seen is written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = {"tls_plaintext": tls_plaintext, "bodies": bodies} if tls_plaintext else {}
    recording = run(
        command or [],
        out,
        source=source,
        agent=agent,
        timeout=timeout,
        pid=pid,
        settings=settings,
        listen=lambda session: [follow(what, session) for what in transcript or []],
    )
    session = recording.session
    if format == "json":
        show_json(_result(out, session))
    typer.echo(
        f"{out}: {counted(session.received, 'event')}, {session.loss.total():,} lost{_end(session)}", err=True
    )
    if "interrupted" in session.notes:
        raise KeyboardInterrupt


def doctor(
    format: Format = "text",
) -> int:
    """Tell what this machine can capture and enforce, by trying, and what each missing thing costs.

    Exits 1 when nothing can be captured. Example: `workbench doctor`
    """
    from capture.doctor import examine, kernel

    checks = examine()
    if format == "json":
        show_json(checks)
    else:
        typer.echo(kernel())
        for check in checks:
            typer.echo(f"{'yes' if check.works else 'no ':3}  {check.purpose:9}  {check.name}")
            if not check.works:
                typer.echo(f"     because {check.reason}\n     so {check.cost}")
    return 0 if any(check.works for check in checks if check.name in ("bcc", "strace")) else 1


def import_(
    source: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="eslogger, tetragon, auditd, spool, or a harness's transcript"),
    ],
    file: Annotated[Path, typer.Argument(help="the file the other tool wrote")],
    out: Annotated[Path, typer.Option(help="the recording's directory, which must not exist")],
    agent: Annotated[str, typer.Option(help="the agent's name, kept with the recording")] = "unknown",
    format: Format = "text",
) -> None:
    """Turn a file that another tool wrote into a recording.

    What cannot be understood is counted in the recording's loss.
    Example: `workbench import auditd audit.log --out build/audit`
    """
    from capture.importer import import_file

    recording = import_file(source, file, out, agent=agent)
    session = recording.session
    if format == "json":
        show_json(_result(out, session))
    typer.echo(f"{out}: {counted(session.received, 'event')}, {session.loss.total():,} lost", err=True)
    for what, count in sorted(session.loss.detail.items()):
        typer.echo(f"  {what}: {count}", err=True)


def _end(session: Session) -> str:
    code = session.exit_code or 0
    if code < 0:
        return f", the command was ended by {signal.Signals(-code).name}"
    return f", the command ended with {code}" if code else ""


def _result(out: Path, session: Session) -> dict[str, object]:
    return {
        "recording": str(out),
        "events": session.received,
        "lost": session.loss.total(),
        "loss": session.loss,
        "exit_code": session.exit_code,
    }
