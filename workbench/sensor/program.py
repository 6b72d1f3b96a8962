"""`sensor run` put together: from its settings to its end, with everything written down."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from capture.source import open_source
from workbench.errors import CaptureError, InputError
from workbench.files import write_aside
from workbench.pack.keys import generate_key, read_private_key, trusted_keys
from workbench.printable import counted
from workbench.sensor.audit import AuditLog, key_of_head, last_findings
from workbench.sensor.blocked import plain
from workbench.sensor.cgroup import Cgroup
from workbench.sensor.exceptions import Exceptions
from workbench.sensor.feed import Feed
from workbench.sensor.guard import Guard
from workbench.sensor.health import Health
from workbench.sensor.means.chosen import Means
from workbench.sensor.packs import Packs, Terms, read_revoked
from workbench.sensor.retention import DAY, delete_before
from workbench.sensor.sensor import Sensor
from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Spool
from workbench.sensor.tampering import Tampering
from workbench.sensor.watch import Agent, Watch

_ENDS = ("sensor_stop", "sensor_died")


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
    transcripts: list[str] = []
    source: str = "auto"
    pin: str = ""
    minimum: str = ""
    revoked: Path | None = None
    rollout: int = 100
    keep_days: int = 0
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


def open_key(log: Path, key: Path | None) -> Ed25519PrivateKey:
    """Read the key that signs an audit log; one is made beside the log when none is given."""
    where = key or log.with_name(log.name + ".key")
    if not where.exists() and key is None:
        generate_key(where)
    return read_private_key(where)


def open_audit(path: Path, key: Ed25519PrivateKey) -> AuditLog:
    """Open the audit log, and write down how the one before us ended and which key signs from now on."""
    signed_by = key_of_head(path)
    log = AuditLog(path, key)
    if log.before.kind and log.before.kind not in _ENDS:
        log.append("unclean_stop", {"last_kind": log.before.kind, "last_time": log.before.time})
    if signed_by not in ("", log.key):
        log.append("key_changed", {"before": signed_by, "key": log.key})
    log.append("key", {"key": log.key})
    return log


def run_sensor(settings: Settings) -> int:
    """Run to the end of what is watched; gives the command's exit status."""
    settings.check()
    trust = trusted_keys(settings.trust)
    packs = Packs(settings.pack, trust, _terms(settings))
    exceptions = Exceptions(settings.exceptions)
    log = settings.audit or state_directory() / "audit.jsonl"
    sinks = [open_sink(url) for url in settings.sinks]
    with ExitStack() as ending:
        audit = open_audit(log, key := open_key(log, settings.audit_key))
        unsent = last_findings(log) if audit.before.kind not in ("", "sensor_stop") else []
        ending.callback(audit.close)
        cgroup = _open_cgroup(settings, ending)
        closed = settings.on_failure == "closed"
        guard = Guard(log, key, settings.sinks, cgroup if closed else None)
        ending.callback(guard.end)
        source = open_source(settings.source)
        spool = Spool(log.with_name(log.name + ".spool"), sinks)
        ours = [log, settings.pack, settings.exceptions, settings.revoked, settings.audit_key]
        sensor = Sensor(
            Feed(source),
            packs,
            audit,
            spool,
            enforce=settings.enforce,
            exceptions=exceptions,
            tampering=Tampering(filter(None, ours), [guard.pid], confined=cgroup is not None),
            health=Health(guard, spool),
        )
        spool.start()
        sensor.responder.send_again(unsent)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        ending.callback(_finish, sensor, spool, settings)
        return _watch(sensor, settings, cgroup, ending)


def _terms(settings: Settings) -> Terms:
    return Terms(
        pinned=settings.pin,
        minimum=settings.minimum,
        revoked=read_revoked(settings.revoked) if settings.revoked else frozenset(),
        rollout=settings.rollout,
    )


def _open_cgroup(settings: Settings, ending: ExitStack) -> Cgroup | None:
    """Make a cgroup for the command where something needs it; without one fail-closed cannot be had."""
    closed = settings.on_failure == "closed"
    if not settings.command or not (closed or settings.enforce):
        return None
    try:
        cgroup = Cgroup()
    except CaptureError:
        if closed:
            raise
        return None  # what cannot be denied is contained
    ending.callback(cgroup.remove)
    return cgroup


def _watch(sensor: Sensor, settings: Settings, cgroup: Cgroup | None, ending: ExitStack) -> int:
    watch = Watch(sensor, _announce)
    roots = set(settings.pids)
    if settings.enforce:

        def excepted(rule: str, root: int) -> bool:
            return sensor.responder.covers(rule, watch.session_of(root) if root else None)

        sensor.means = Means(sensor.packs.scorer.payload, roots, cgroup, excepted)
        ending.callback(sensor.means.end)
    _write_start(sensor, settings)
    closed = settings.on_failure == "closed"
    try:
        if settings.pids:
            watch.attach(
                settings.pids,
                agent=settings.agent,
                hooks=settings.hooks,
                transcripts=settings.transcripts,
            )
            return 0

        def ready(pid: int) -> None:
            roots.add(pid)
            if cgroup:
                cgroup.take(pid)

        with tempfile.TemporaryDirectory(prefix="sensor.") as scratch:
            return watch.run(
                settings.command,
                agent=settings.agent,
                hooks=settings.hooks or Path(scratch) / "hooks.jsonl",
                transcripts=settings.transcripts,
                ready=ready,
                prepare=sensor.means.prepare() if sensor.means else None,
                closed=closed,
                end=cgroup.kill if cgroup else None,
            )
    except KeyboardInterrupt:
        sensor.audit.append("interrupted", {})
        return 130


def _write_start(sensor: Sensor, settings: Settings) -> None:
    source = sensor.feed.source
    if settings.keep_days:
        delete_before(sensor.audit, time.time_ns() - settings.keep_days * DAY)
    sensor.audit.append(
        "sensor_start",
        {
            "pack": sensor.packs.told(),
            "enforce": settings.enforce,
            "on_failure": settings.on_failure,
            "means": sensor.means.told if sensor.means else [],
            "source": source.name,
            "cannot_see": list(source.cannot_see),
            "pid": os.getpid(),
        },
    )
    sensor.audit.checkpoint()


def _announce(agent: Agent) -> None:
    print(f"sensor: watching {plain(agent.name)}, session {agent.session}", file=sys.stderr)


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
    if settings.stats:
        write_aside(settings.stats, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    counts = sensor.counts
    print(
        f"sensor: {counted(counts['events'], 'event')}, {counted(counts['findings'], 'finding')}, "
        f"{counted(counts['alerts'], 'alert')}, {counted(counts['blocks'], 'block')}, "
        f"{counts['prevented']} prevented, {counted(loss.dropped, 'event')} lost, "
        f"{counted(sum(loss.not_visible.values()), 'act')} not visible; all of it is in {sensor.audit.path}",
        file=sys.stderr,
    )
