"""Measures one payload over the workload, alone in its process: `measure.py PAYLOAD EVENTS SESSIONS`.

Prints JSON: seconds to import and load, resident memory (MB) after loading, microseconds an event, findings.
The mean is CPU time of the thread, which is what latency is on a core that does nothing else; `wall` is the
mean by the clock; the shares include what reading the CPU's clock costs, nearly a microsecond.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from time import perf_counter, thread_time, thread_time_ns


def resident_mb() -> float:
    """Give this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1e6


def main() -> None:
    """Load, score, print."""
    payload, count, sessions = Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), int(sys.argv[3])
    began = perf_counter()
    from workbench.scorer import Scorer  # noqa: PLC0415 - its import is part of what is measured

    imported = perf_counter() - began
    before = resident_mb()
    began = perf_counter()
    scorer = Scorer.from_payload(payload, enrich=False)
    loaded = perf_counter() - began
    rss = resident_mb()

    sys.path.insert(0, str(Path(__file__).parent))
    import workload  # type: ignore[import-not-found]  # noqa: PLC0415 - after memory was read

    events = list(workload.events(count, sessions))
    gc.collect()
    gc.freeze()  # the collector walks what the scorer holds, not the events that the benchmark holds
    cpu = thread_time()
    began = perf_counter()
    for event in events:
        scorer.score(event)
    cpu, wall = thread_time() - cpu, perf_counter() - began
    counts = scorer.counts()

    scorer = Scorer.from_payload(payload, enrich=False)
    taken = [0] * count
    findings = 0
    score, clock = scorer.score, thread_time_ns
    for number, event in enumerate(events):
        start = clock()
        found = score(event)
        taken[number] = clock() - start
        findings += len(found)
    ranked = sorted(taken)
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
                "findings": findings,
                **counts,
            }
        )
    )


if __name__ == "__main__":
    main()
