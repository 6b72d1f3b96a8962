"""`sensor run` put together: from its settings to its end, with everything written down."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec

from capture.source import open_source
from workbench.errors import CaptureError, InputError
from workbench.files import write_aside
from workbench.pack.keys import generate_key, read_private_key, trusted_keys
from workbench.scorer.envelope import key_id
from workbench.sensor.audit import AuditLog
from workbench.sensor.exceptions import Exceptions
from workbench.sensor.feed import Feed
from workbench.sensor.gate import Gate, Judge, candidates, descends_from
from workbench.sensor.guard import Guard
from workbench.sensor.packs import Packs, Terms
from workbench.sensor.sensor import Sensor
from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Spool
from workbench.sensor.tampering import Tampering
from workbench.sensor.watch import Agent, Watch

_PLACES = (Path.home(), Path("/home"), Path("/etc"))
"""Where files are looked for that a blocking rule names."""


class Settings(msgspec.Struct, kw_only=True):
    """What `sensor run` was asked for."""

    pack: Path
    command: list[str] = []
    pids: list[int] = []
    trust: list[Path] | None = None
    enforce: bool = False
    on_failure: str = "open"
    sinks: list[str] = []
    audit: Path | None = None
    audit_key: Path | None = None
    exceptions: Path | None = None
    agent: str = "unknown"
    hooks: Path | None = None
    source: str = "auto"
    pin: str = ""
    minimum: str = ""
    revoked: Path | None = None
    rollout: int = 100
    stats: Path | None = None

    def check(self) -> None:
        """Raise InputError for what cannot be run."""
        if bool(self.command) == bool(self.pids):
            raise InputError("give a command or --pid", mend="workbench sensor run --pack P -- CMD…")
        if self.on_failure == "closed" and self.pids:
            raise InputError("--on-failure closed needs a command", mend="start the agent with -- CMD…")
        if self.on_failure not in ("open", "closed"):
            raise InputError(f"--on-failure {self.on_failure!r}", mend="open or closed")


def state_directory() -> Path:
    """Give where a sensor keeps its log, key and spool when not told."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(os.environ.get("STATE_DIRECTORY") or Path(base) / "agent-detection-workbench")


def open_audit(path: Path, key: Path | None) -> AuditLog:
    """Open the audit log; its signing key is made beside it when none is given."""
    where = key or path.with_name(path.name + ".key")
    if not where.exists() and key is None:
        generate_key(where)
    private = read_private_key(where)
    log = AuditLog(path, private)
    log.append("key", {"key": key_id(private.public_key())})
    return log


def run_sensor(settings: Settings) -> int:
    """Run to the end of what is watched; gives the command's exit status."""
    settings.check()
    trust = trusted_keys(settings.trust)
    terms = Terms(
        pinned=settings.pin,
        minimum=settings.minimum,
        revoked=frozenset(settings.revoked.read_text().split()) if settings.revoked else frozenset(),
        rollout=settings.rollout,
    )
    packs = Packs(settings.pack, trust, terms)
    exceptions = Exceptions(settings.exceptions)
    log = settings.audit or state_directory() / "audit.jsonl"
    sinks = [open_sink(url) for url in settings.sinks]
    source = open_source(settings.source)
    audit = open_audit(log, settings.audit_key)
    spool = Spool(log.with_name(log.name + ".spool"), sinks)
    ours = [file for file in (log, settings.pack, settings.exceptions, settings.revoked) if file]
    sensor = Sensor(
        Feed(source),
        packs,
        audit,
        spool,
        enforce=settings.enforce,
        exceptions=exceptions,
        tampering=Tampering(ours),
    )
    audit.append(
        "sensor_start",
        {
            "pack": packs.told(),
            "enforce": settings.enforce,
            "on_failure": settings.on_failure,
            "means": ["SIGKILL of the offending tree (containment, not prevention)"]
            if settings.enforce
            else [],
            "source": source.name,
            "cannot_see": list(source.cannot_see),
            "pid": os.getpid(),
        },
    )
    audit.checkpoint()
    spool.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as ending:
        ending.callback(_finish, sensor, spool, settings)
        roots = set(settings.pids)
        if gate := _open_gate(sensor, roots) if settings.enforce else None:
            ending.callback(gate.end)
        return _watch(sensor, settings, roots)


def _open_gate(sensor: Sensor, roots: set[int]) -> Gate | None:
    """Hold the opens that a blocking rule can judge in advance; the audit log says which, or why not."""
    judge = Judge(sensor.packs.scorer.payload)
    if not judge:
        return None

    def denied(rule: str, path: str, pid: int, executable: str) -> None:
        sensor.prevented.append({"rule": rule, "path": path, "pid": pid, "executable": executable})

    try:
        gate = Gate(judge, candidates(judge, _PLACES), lambda pid: descends_from(pid, roots), denied)
    except CaptureError as error:
        sensor.audit.append("gate", {"works": False, "because": str(error)})
        return None
    sensor.audit.append(
        "gate", {"works": True, "means": "fanotify: the open is denied", "directories": gate.held}
    )
    gate.start()
    return gate


def _watch(sensor: Sensor, settings: Settings, roots: set[int]) -> int:
    watch = Watch(sensor, _announce)
    closed = settings.on_failure == "closed"
    try:
        if settings.pids:
            watch.attach(settings.pids, agent=settings.agent, hooks=settings.hooks)
            return 0
        guard = Guard() if closed else None

        def ready(pid: int) -> None:
            roots.add(pid)
            if guard:
                guard.take(pid)

        with tempfile.TemporaryDirectory(prefix="sensor.") as scratch:
            hooks = settings.hooks or Path(scratch) / "hooks.jsonl"
            whole = False
            try:
                status = watch.run(
                    settings.command, agent=settings.agent, hooks=hooks, ready=ready, closed=closed
                )
                whole = True
            finally:
                if guard:
                    guard.end(kill=not whole)
        return status
    except KeyboardInterrupt:
        sensor.audit.append("interrupted", {})
        return 130


def _announce(agent: Agent) -> None:
    print(f"sensor: watching {agent.name}, session {agent.session}", file=sys.stderr)


def _finish(sensor: Sensor, spool: Spool, settings: Settings) -> None:
    sensor.close()
    source = sensor.feed.source
    loss = source.stop()
    if loss.total():
        sensor.audit.append("gap", {"loss": loss, "because": "the source lost events or could not see them"})
    waiting = {name: left for name, left in spool.end().items() if left}
    told = {
        **sensor.counts,
        "scorer": dict(sensor.packs.scorer.counts()),
        "latency_us": sensor.latency.told(),
        "loss": loss,
        "sent": source.sent,
        "spooled_bytes": waiting,
    }
    sensor.audit.append("sensor_stop", told)
    sensor.audit.close()
    if settings.stats:
        write_aside(settings.stats, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    print(
        f"sensor: {sensor.counts['events']} events, {sensor.counts['findings']} findings, "
        f"{sensor.counts['alerts']} alerts, {sensor.counts['blocks']} blocks, {loss.total()} events lost",
        file=sys.stderr,
    )
