"""Where one event's time goes, by stage, over the workload or over recordings; arguments as for `measure.py`.

Prints JSON: stage → microseconds an event. Samples are taken by the clock of the process's CPU time; each
counts for the outermost stage that is running.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from time import thread_time
from types import FrameType

from benchmarks.scorer import measure

_STAGES = {
    "lineage.py": "lineage",
    "attribution.py": "attribution",
    "destinations.py": "destinations",
    "intrinsic.py": "intrinsic risk",
    "provenance.py": "provenance",
    "matcher.py": "match",
    "correlator.py": "correlations",
    "verdict.py": "verdicts",
}
_FINDING = {"_detection", "_correlation", "_finding"}
_EVERY = 0.002


def stage(frame: FrameType | None) -> str:
    """Name the outermost stage that a stack is in; matching apart for texts that were never seen before."""
    found, missed = "copy, calls and the rest", False
    while frame is not None:
        file, name = Path(frame.f_code.co_filename).name, frame.f_code.co_name
        missed = missed or name == "__missing__"
        if file == "scorer.py" and name in _FINDING:
            return "findings"
        if file == "scorer.py":
            break
        found = _STAGES.get(file, found)
        frame = frame.f_back
    return f"{found}, first seen" if missed and found == "match" else found


def main() -> None:
    """Load, score, print."""
    payload, kind, source, number = Path(sys.argv[1]).read_bytes(), sys.argv[2], sys.argv[3], int(sys.argv[4])
    from workbench.scorer import Scorer  # noqa: PLC0415 - as measure.py does

    scorer = Scorer.from_payload(payload, enrich=kind != "match")
    gc.collect()
    gc.freeze()
    gc.disable()
    samples: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        samples[stage(frame)] += 1

    signal.signal(signal.SIGPROF, sample)
    spent, events = 0.0, 0
    for fresh, batch in measure.batches(kind, source, number):
        scorer = scorer.anew() if fresh else scorer
        events += len(batch)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        began = thread_time()
        for event in batch:
            scorer.score(event)
        spent += thread_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
    mean = spent / events * 1e6
    shares = {name: round(mean * count / samples.total(), 2) for name, count in samples.most_common()}
    print(json.dumps({"an event": round(mean, 2), **shares}))


if __name__ == "__main__":
    main()
