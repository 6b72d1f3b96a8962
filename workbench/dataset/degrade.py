"""Take from recordings what real captures lose, so that detection can be judged under loss."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from workbench.dataset.dataset import Dataset, Manifest
from workbench.dataset.recording import Recording, write_recording
from workbench.dataset.release import release
from workbench.dataset.session import Loss, Session
from workbench.errors import InputError
from workbench.event import Event, Value, integer, order

SPAN = 32  # events in a row that lose whose they are
LATE = 16  # events that a late one may be overtaken by
HARNESS_LOG = "harness_log"
_WHOSE = ("gen_ai.", "attribution.", "process.parent.", "process.env_vars")
_CALL = ("gen_ai.tool.", "attribution.")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How much is lost, as shares from 0 to 1; raises InputError for another number.

    `drop`, `reorder` and `unattributed` are of the kernel's events, `argv` of processes that lose their
    arguments, `harness_log` of recordings that lose their harness's events.
    """

    drop: float = 0.0
    reorder: float = 0.0
    argv: float = 0.0
    harness_log: float = 0.0
    unattributed: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name, rate in asdict(self).items():
            if not 0 <= rate <= 1:
                raise InputError(f"the rate of {name} is {rate}", mend="give a share between 0 and 1")


@dataclass
class Degraded:
    """What is left of the events, what is gone, and the loss to tell of."""

    events: list[dict[str, Value]]
    lost: list[dict[str, Value]] = field(default_factory=list)
    loss: Loss = field(default_factory=Loss)


def degrade_events(events: Sequence[Event], rates: Rates, seed: str) -> Degraded:
    """Degrade the events of one recording; the same seed gives the same, the given events stay as they are.

    The kernel's events are lost one by one, the harness's all at once. What remains only loses fields, but
    for late events: their `@timestamp` becomes one nanosecond more than that of one of the next `LATE`.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    result = Degraded([])
    no_log = rng.random() < rates.harness_log
    for event in events:
        if _of_harness(event):
            gone, reason = no_log, HARNESS_LOG
        else:
            gone, reason = _of_kernel(event) and rng.random() < rates.drop, ""
        if not gone:
            result.events.append(dict(event))
            continue
        result.lost.append(dict(event))
        if reason:
            result.loss.not_visible[reason] = result.loss.not_visible.get(reason, 0) + 1
        else:
            result.loss.dropped += 1
    if no_log:
        for event in filter(_of_kernel, result.events):
            if event.get("attribution.method") != "environment":
                _strip(event, _CALL)
    _forget_arguments(result, rates.argv, rng)
    _forget_whose(result, rates.unattributed, rng)
    _delay(result, rates.reorder, rng)
    result.events.sort(key=order)
    return result


def _of_kernel(event: Event) -> bool:
    return event["event.category"] not in {"agent", "control"}


def _of_harness(event: Event) -> bool:
    return not _of_kernel(event) and event.get("event.provider") != "recorder"


def _strip(event: dict[str, Value], prefixes: tuple[str, ...]) -> None:
    for name in [name for name in event if name.startswith(prefixes)]:
        del event[name]


def _forget_arguments(result: Degraded, rate: float, rng: random.Random) -> None:
    processes = dict.fromkeys(str(e["process.entity_id"]) for e in result.events if "process.args" in e)
    bare = {entity for entity in processes if rng.random() < rate}
    for event in result.events:
        before = len(event)
        if event.get("process.entity_id") in bare:
            event.pop("process.args", None)
            event.pop("process.command_line", None)
        if event.get("process.parent.entity_id") in bare:
            event.pop("process.parent.command_line", None)
        result.loss.truncated += len(event) < before


def _forget_whose(result: Degraded, rate: float, rng: random.Random) -> None:
    if not rate:
        return
    kernel = list(filter(_of_kernel, result.events))
    for start in range(0, len(kernel), SPAN):
        if rng.random() < rate:
            for event in kernel[start : start + SPAN]:
                _strip(event, (*_WHOSE, "process.target.entity_id"))
                result.loss.unattributed += 1


def _delay(result: Degraded, rate: float, rng: random.Random) -> None:
    if not rate:
        return
    times = [integer(event, "@timestamp") for event in result.events]
    for position, event in enumerate(result.events[:-1]):
        if _of_kernel(event) and rng.random() < rate:
            overtaking = min(position + rng.randint(1, LATE), len(times) - 1)
            event["@timestamp"] = times[overtaking] + 1
            result.loss.reordered += 1


def degrade_recording(recording: Recording, out: Path, rates: Rates, seed: int = 0) -> Recording:
    """Write a degraded copy of a recording to `out`; its Loss and settings tell what was taken."""
    session = msgspec.convert(msgspec.to_builtins(recording.session), Session)
    result = degrade_events(list(recording.events()), rates, f"{seed}:{session.id}")
    for name in ("dropped", "truncated", "reordered", "unattributed"):
        setattr(session.loss, name, getattr(session.loss, name) + getattr(result.loss, name))
    for name, count in result.loss.not_visible.items():
        session.loss.not_visible[name] = session.loss.not_visible.get(name, 0) + count
    session.settings["degraded"] = {"seed": seed, **asdict(rates)}
    kept = {event.get("event.id") for event in result.events}
    labels = [label for label in recording.labels() if label.event_id in kept]
    return write_recording(out, result.events, session, labels)


def degrade(dataset: Dataset, out: Path, rates: Rates, seed: int = 0) -> Manifest:
    """Write a degraded copy of a dataset below `out`, split as it was; gives its manifest."""
    if out.exists() and any(out.iterdir()):
        raise InputError("already exists and is not empty", place=out, mend="choose another --out")
    for recording in dataset.recordings():
        degrade_recording(recording, out / "recordings" / recording.path.name, rates, seed)
    manifest = dataset.manifest
    splits = {name: entry.split for name, entry in manifest.recordings.items()}
    fresh = Dataset(out, Manifest(name=f"{manifest.name}-degraded"))
    return release(fresh, manifest.version, splits=splits, test_families=manifest.test_families)
