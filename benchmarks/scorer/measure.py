"""Measures one payload, alone in its process, over the workload or over recordings:

    measure.py PAYLOAD match|full EVENTS SESSIONS
    measure.py PAYLOAD recorded DATASET EVERY       every so many-th, each by a scorer that has seen nothing

Prints JSON: seconds to import and load, resident memory (MB) after loading, microseconds an event, findings.
All times are the thread's CPU time, which is what they are on a core that does nothing else; `wall` is the
mean by the clock. Events are made a thousand at a time, as they come in and not all long before; reading the
CPU's clock costs each of the shares nearly a microsecond, and the mean nothing.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, thread_time, thread_time_ns
from typing import Any


def resident_mb() -> float:
    """Give this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1e6


def batches(kind: str, source: str, number: int) -> Iterator[tuple[bool, list[Any]]]:
    """Give events, and whether they begin a session that knows nothing of those before it."""
    if kind == "recorded":
        from workbench.dataset.recording import Recording  # noqa: PLC0415 - after memory was read

        for directory in sorted((Path(source) / "recordings").iterdir())[::number]:
            yield True, list(Recording.open(directory).events())
        return
    from benchmarks.scorer import workload  # noqa: PLC0415 - as above

    stream = workload.events(int(source), number)
    while batch := list(islice(stream, 1_000)):
        yield False, batch


def main() -> None:
    """Load, score, print."""
    payload, kind, source, number = Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3], int(sys.argv[4])
    began = thread_time()
    from workbench.scorer import Scorer  # noqa: PLC0415 - its import is part of what is measured

    imported = thread_time() - began
    before = resident_mb()
    began = thread_time()
    scorer = Scorer.from_payload(payload, enrich=kind != "match")
    loaded = thread_time() - began
    rss = resident_mb()
    gc.collect()
    gc.freeze()
    gc.disable()  # as the sensor does once its pack is loaded: scoring makes no cycles, as a test shows

    cpu = wall = 0.0
    scoring = scorer.anew()
    for fresh, events in batches(kind, source, number):
        scoring = scorer.anew() if fresh else scoring
        began, clock = thread_time(), perf_counter()
        for event in events:
            scoring.score(event)
        cpu, wall = cpu + thread_time() - began, wall + perf_counter() - clock
    counts = scoring.counts()

    scorer = Scorer.from_payload(payload, enrich=kind != "match")
    taken: list[int] = []
    findings = 0
    for fresh, events in batches(kind, source, number):
        scorer = scorer.anew() if fresh else scorer
        for event in events:
            start = thread_time_ns()
            found = scorer.score(event)
            taken.append(thread_time_ns() - start)
            findings += len(found)
    ranked, count = sorted(taken), len(taken)
    print(
        json.dumps(
            {
                "import_s": round(imported, 3),
                "load_s": round(loaded, 3),
                "rss_mb": round(rss, 1),
                "pack_rss_mb": round(rss - before, 1),
                "wall": round(wall / count * 1e6, 2),
                "mean": round(cpu / count * 1e6, 2),
                "p50": ranked[count // 2] / 1_000,
                "p99": ranked[int(count * 0.99)] / 1_000,
                "p99.9": ranked[int(count * 0.999)] / 1_000,
                "max": ranked[-1] / 1_000,
                "scored": count,
                "findings": findings,
                **counts,
            }
        )
    )


if __name__ == "__main__":
    main()
