"""Watching agents: starts a command under the sensor, or follows processes that run, to their end."""

from __future__ import annotations

import gc
import os
import platform
import select
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.source import Child, follow, held_interrupts
from workbench.errors import CaptureError
from workbench.event import Event, Value, integer
from workbench.sensor.containment import alive
from workbench.sensor.feed import HookLog
from workbench.sensor.sensor import Sensor
from workbench.sensor.tree import Process

_WAIT = 0.05


@dataclass
class Agent:
    """One agent that is watched: its session and root process."""

    session: str
    name: str
    pid: int
    entity: str = ""

    def boundary(self, action: str, at: int) -> dict[str, Value]:
        """Give the event that begins or ends its session at `at`, nanoseconds since 1970."""
        event: dict[str, Value] = {
            "@timestamp": at,
            "event.category": "agent",
            "event.action": action,
            "event.provider": "sensor",
            "event.id": f"{action}-{self.session}",
            "gen_ai.conversation.id": self.session,
            "gen_ai.agent.name": self.name,
            "host.name": platform.node(),
            "process.pid": self.pid,
        }
        return event | ({"process.entity_id": self.entity} if self.entity else {})


class Watch:
    """Runs a sensor over agents; `on_start` is told each session's id."""

    def __init__(self, sensor: Sensor, on_start: Callable[[Agent], None] = lambda agent: None) -> None:
        self._sensor, self._on_start = sensor, on_start
        self._agents: list[Agent] = []

    def session_of(self, root: int) -> str:
        """Give the session of a root process, "" when it is none."""
        return next((agent.session for agent in self._agents if agent.pid == root), "")

    def _heed(self, event: Event) -> None:
        """Begin a session with the first event of its root, which tells the process's identity."""
        for agent in self._agents:
            if not agent.entity and event.get("process.pid") == agent.pid and "process.entity_id" in event:
                agent.entity = str(event["process.entity_id"])
                self._sensor.score(agent.boundary("session_start", integer(event, "@timestamp")))
                self._on_start(agent)

    def _end(self, agent: Agent) -> None:
        self._sensor.score(agent.boundary("session_end", max(time.time_ns(), self._sensor.packs.scorer.now)))

    def run(
        self,
        command: Sequence[str],
        *,
        agent: str = "unknown",
        hooks: Path | None = None,
        transcripts: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        ready: Callable[[int], None] = lambda pid: None,
        prepare: Callable[[], None] | None = None,
        closed: bool = False,
        end: Callable[[], None] | None = None,
    ) -> int:
        """Run the command to its end; gives its exit code, negative for a signal.

        `ready` is told its process id before anything of it runs; `prepare` runs in it before its exec.
        When the sensor fails, the agent goes on unwatched; when `closed`, `end` ends all of it at once, where
        there is a means to, and what is left is killed. Either way the failure is written down and raised.
        """
        sensor, feed = self._sensor, self._sensor.feed
        watched = Agent(str(uuid.uuid4()), agent, 0)
        variables = dict(os.environ if env is None else env)
        if hooks is not None:
            sensor.hear(HookLog(hooks, watched.session))
            variables["WORKBENCH_HOOK_LOG"] = str(hooks)
        feed.transcripts = [follow(what, watched.session) for what in transcripts]
        sensor.rehearse(command)
        child = Child(command, env=variables, prepare=prepare)
        watched.pid = child.pid
        self._agents.append(watched)
        _quieten()
        try:
            feed.source.start(child.pid)
            ready(child.pid)
            child.release()
            with held_interrupts() as heed:
                while child.poll() is None:
                    sensor.pump(_WAIT, self._heed)
                    heed()
            self._finish(watched)
        except KeyboardInterrupt:
            child.end()
            if closed and end:
                end()
            self._finish(watched)
            raise
        except BaseException as error:
            then = "the agent goes on, unwatched"
            if closed:
                if end:
                    end()
                child.end(grace=0)
                then = "the agent was ended" if child.poll() is not None else "the agent could not be ended"
            sensor.audit.append("sensor_failed", {"because": repr(error), "then": then}, watched.session)
            sensor.audit.checkpoint()
            while not closed and child.poll() is None:
                time.sleep(_WAIT)
            raise
        return child.ended()

    def _finish(self, agent: Agent) -> None:
        """Score what is left, end the session, and write down what of it goes on."""
        feed = self._sensor.feed
        self._sensor.take(feed.drain() + feed.finish(), self._heed)
        self._end(agent)
        if left := [f"{process.name}[{process.pid}]" for process in self._left_of(agent)]:
            because = "the command has ended; what it had started goes on, unwatched"
            self._sensor.audit.append("gap", {"processes": left, "because": because}, agent.session)

    def _left_of(self, agent: Agent) -> Iterator[Process]:
        return filter(alive, self._sensor.tree.living(agent.session))

    def attach(
        self,
        pids: Sequence[int],
        *,
        agent: str = "unknown",
        hooks: Path | None = None,
        transcripts: Sequence[str] = (),
    ) -> None:
        """Follow running processes and all that descend from them, until all have ended or Ctrl-C.

        A session lasts as long as any of its processes: an agent may start itself anew.
        """
        sensor, feed = self._sensor, self._sensor.feed
        handles: dict[int, Agent] = {}
        ending: list[Agent] = []
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except OSError as error:
                raise CaptureError(
                    f"process {pid}: {error.strerror}", mend="give the id of a live process"
                ) from None
            handles[handle] = Agent(str(uuid.uuid4()), agent, pid)
        self._agents += handles.values()
        session = self._agents[0].session if len(pids) == 1 else ""
        if hooks is not None:
            sensor.hear(HookLog(hooks, session))
        feed.transcripts = [follow(what, session) for what in transcripts]
        sensor.rehearse()
        _quieten()
        try:
            for pid in pids:
                feed.put(feed.source.attach(pid))
            with held_interrupts() as heed:
                while handles or ending:
                    sensor.pump(_WAIT, self._heed)
                    for handle in select.select(list(handles), [], [], 0)[0]:
                        sensor.take(feed.drain(), self._heed)
                        ending.append(handles.pop(handle))
                        os.close(handle)
                    for watched in [each for each in ending if not any(self._left_of(each))]:
                        sensor.take(feed.drain(), self._heed)
                        ending.remove(watched)
                        self._end(watched)
                    heed()
        finally:
            sensor.take(feed.drain() + feed.finish(), self._heed)
            for watched in [*handles.values(), *ending]:
                self._end(watched)
            for handle in handles:
                os.close(handle)


def _quieten() -> None:
    """Keep the collector of cycles from pausing the scoring: the housekeeping runs it."""
    gc.freeze()
    gc.disable()
