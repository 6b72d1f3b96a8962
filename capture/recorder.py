"""Records a command: starts it stopped, traces its whole tree, and writes what it did."""

from __future__ import annotations

import gc
import os
import platform
import select
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capture.aside import Aside
from capture.assemble import attributed, load, session_events, write
from capture.child import Child, Output, adopting
from capture.interrupts import held_interrupts
from capture.privileges import become, invoking_user
from capture.redact import Redactor
from capture.source import Source, Teller, open_source
from capture.spool import Spool, new_place, read_events, remove
from workbench.dataset.session import Label, Loss, Session
from workbench.errors import CaptureError, RecordingError
from workbench.event import Event, Value, order

if TYPE_CHECKING:
    from workbench.dataset.recording import Recording

Labeller = Callable[[Sequence[Event]], Iterable[Label]]

_INTERRUPTED = "interrupted"
_WAIT = 0.05  # seconds between looks at the child
_QUIET = 0.02  # seconds without an event after which a stopped tree counts as drained
_LINGER = 1.0  # seconds that others of its tree may go on and be recorded, once a command has ended
_SYNC = 1.0  # seconds between syncs of the spool


class Recorder:
    """Runs one command under a source; `finish` writes the recording.

    Events go into a spool file as they come, redacted, so that a crash loses only what was not yet told.
    `settings` are kept with the recording; `transcripts` are what the command's harness writes meanwhile.
    """

    def __init__(
        self,
        source: Source,
        *,
        agent: str = "unknown",
        session_id: str | None = None,
        settings: Mapping[str, Any] = {},
        spool: Path | None = None,
        transcripts: Sequence[Teller] = (),
    ) -> None:
        self._transcripts, self._aside = transcripts, Aside()
        self._told = 0
        self._source = source
        self._redactor = Redactor()
        self._spool_path = spool or new_place()
        self._spool: Spool | None = None
        self._unspooled = self._received = 0
        self._synced = 0.0
        self._root = 0
        self.loss = Loss()
        self.session = Session(
            id=session_id or str(uuid.uuid4()),
            agent=agent,
            source=source.name,
            host=platform.node(),
            boot=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            kernel=platform.release(),
            settings=dict(settings),
            cannot_see=list(source.cannot_see),
        )

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return _INTERRUPTED in self.session.notes

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        timeout: float | None = None,
    ) -> int:
        """Run the command to its end and record it; gives its exit code, negative for a signal.

        After `timeout` seconds, or at Ctrl-C, the command and all its descendants are ended, and what was
        seen is kept. Raises CaptureError when it cannot be run; nothing is kept of that.
        """
        if not command:
            raise CaptureError("no command to record", mend="workbench record --out DIR -- CMD…")
        session = self.session
        session.command = self._redactor.arguments(command)
        self._source.rehearse()
        session.started = time.time_ns()
        with adopting():
            child = Child(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
            self._run(child, timeout)
        session.ended = time.time_ns()
        try:
            session.exit_code = child.ended()
        except CaptureError:
            self.discard()
            raise
        return session.exit_code

    def _run(self, child: Child, timeout: float | None) -> None:
        gc.disable()  # events hold no cycles; to look for some costs a third of the time that decoding takes
        try:
            self._spool = Spool(self._spool_path, self.session)
            self._source.start(child.pid)
            self._root = child.pid
            child.release()
            self._pump(child, timeout)
        except KeyboardInterrupt:
            self.session.notes.append(_INTERRUPTED)
            child.end()
            self._drain()
        except BaseException:
            child.end(grace=0.5)
            raise
        finally:
            self._stop()
            gc.enable()

    def attach(self, pid: int, *, timeout: float | None = None) -> None:
        """Record a process that runs, and its descendants, to its end, Ctrl-C, or `timeout` seconds."""
        session = self.session
        try:
            ended = os.pidfd_open(pid)
        except OSError as error:
            raise CaptureError(
                f"process {pid}: {error.strerror}", mend="give the id of a live process"
            ) from None
        session.started = time.time_ns()
        self._root = pid
        deadline = time.monotonic() + timeout if timeout is not None else None
        try:
            self._spool = Spool(self._spool_path, session)
            with held_interrupts() as heed:
                self._take(self._source.attach(pid))
                while not select.select([ended], [], [], 0)[0]:
                    self._take(self._source.poll(_WAIT))
                    self._listen()
                    heed()
                    if deadline is not None and time.monotonic() > deadline:
                        break
            self._drain()
        except KeyboardInterrupt:
            session.notes.append(_INTERRUPTED)
            self._drain()
        finally:
            os.close(ended)
            self._stop()
        session.ended = time.time_ns()

    def _pump(self, child: Child, timeout: float | None) -> None:
        deadline = time.monotonic() + timeout if timeout is not None else None
        with held_interrupts() as heed:
            while child.poll() is None:
                self._take(self._source.poll(_WAIT))
                self._listen()
                heed()
                if deadline is not None and time.monotonic() > deadline:
                    self.session.notes.append(f"ended after {timeout} s")
                    child.end()
        self._drain()

    def _drain(self) -> None:
        """Wait a little for what the end of the command brings with it, then end the tracing."""
        until = time.monotonic() + _LINGER
        while time.monotonic() < until and (events := self._source.poll(_QUIET)):
            self._take(events)
        self._take(self._source.settle())
        for teller in self._transcripts:
            self._hear(teller.rest())

    def _listen(self) -> None:
        for teller in self._transcripts:
            self._hear(teller.read())

    def _hear(self, events: list[dict[str, Value]]) -> None:
        for event in events:
            self._told += 1
            event["event.id"] = f"h{self._told}"
            self._redactor.event(event)
        self._keep(events)

    def _take(self, events: list[dict[str, Value]]) -> None:
        if not self._source.redacts:
            for event in events:
                self._redactor.event(event)
        self._keep(events)

    def _keep(self, events: list[dict[str, Value]]) -> None:
        if not events or self._spool is None:
            return
        self._received += len(events)
        if not self.session.root_entity_id:
            self._find_root(events)
        try:
            self._spool.append(events)
        except OSError as error:
            if not self._unspooled:
                self.session.notes.append(f"the spool could not be written: {error.strerror}")
            self._unspooled += len(events)
        if (now := time.monotonic()) - self._synced > _SYNC:
            self._synced = now
            self._spool.sync()

    def _find_root(self, events: list[dict[str, Value]]) -> None:
        """Only the source knows to the nanosecond when the command's process began."""
        for event in events:
            if event.get("process.pid") == self._root and "process.entity_id" in event:
                self.session.root_entity_id = str(event["process.entity_id"])
                return

    def _stop(self) -> None:
        loss = self._source.stop()
        if self._unspooled:
            loss.dropped += self._unspooled
            loss.detail["disk_full"] = self._unspooled
        self.loss = self.session.loss = loss
        for teller in self._transcripts:
            self._aside.add(teller.aside)
        loss.detail |= {f"unknown_{kind}": count for kind, count in self._aside.counts.items()}
        self.session.sent = self._source.sent + self._told
        self.session.received = self._received - self._unspooled
        if self._spool is not None:
            self._spool.close()

    def finish(
        self, out: Path, *, harness_events: Iterable[Event] = (), label: Labeller | None = None
    ) -> Recording:
        """Merge what was seen with the harness's own word, attribute, label, and write it all at once."""
        session = self.session
        events = [*read_events(self._spool_path), *session_events(session)]
        for number, event in enumerate(harness_events, self._told + 1):
            events.append(self._redactor.event({"event.id": f"h{number}", **event}))
        events.sort(key=order)
        merged = attributed(events)
        session.loss.unattributed = sum("gen_ai.conversation.id" not in e for e in merged)
        labels = list(label(merged)) if label is not None else []
        recording = write(out, merged, session, labels, aside=self._aside.lines(self._redactor))
        self.discard()
        return recording

    def discard(self) -> None:
        """Remove the spool."""
        remove(self._spool_path)


def record(
    command: Sequence[str],
    out: Path,
    *,
    source: str = "auto",
    agent: str = "unknown",
    cwd: Path | None = None,
    timeout: float | None = None,
    pid: int | None = None,
    settings: Mapping[str, Any] = {},
    listen: Callable[[str], Sequence[Teller]] = lambda session: (),
) -> Recording:
    """Record a command, or the running process `pid`, into `out`; `settings` go to the source.

    `listen` is told the session's id and gives what tells the harness's own word meanwhile.

    Called through sudo, only the source is opened with privileges: the command runs, and what is written
    belongs, as if the caller had done it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RecordingError("already exists and is not empty", place=out, mend="choose another --out")
    opened = open_source(source, **settings)
    user = invoking_user()
    if user is not None:
        load()
    environment = become(user) if user is not None and pid is None else None
    session = str(uuid.uuid4())
    spool = out.parent / f".{out.name}.{os.getpid()}.spool"
    recorder = Recorder(
        opened,
        agent=agent,
        session_id=session,
        transcripts=listen(session),
        settings=settings,
        spool=spool,
    )
    if pid is not None:
        recorder.attach(pid, timeout=timeout)
    else:
        recorder.run(command, cwd=cwd, env=environment, timeout=timeout)
    try:
        return recorder.finish(out)
    except OSError as error:  # what was seen is in the spool
        mend = f"make room, then `workbench import spool {spool} --out {out}`"
        raise RecordingError(f"cannot be written: {error}", place=out, mend=mend) from None
