"""What tracing costs the traced and the collector, as ratios of medians over paired runs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from capture.child import Child
from capture.recorder import Recorder
from capture.source import open_source

PAIRS = 5
WAITING = """
began=${EPOCHREALTIME/./}
for i in $(seq 40); do cat /etc/hostname /etc/os-release >/dev/null; sleep 0.05; done
echo $((${EPOCHREALTIME/./} - began))
"""
COLLECT = """
import json, resource, sys
from pathlib import Path
from capture.recorder import Recorder
from capture.source import open_source
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)  # its ru_maxrss would be that of whoever started us
    return usage.ru_utime + usage.ru_stime
recorder = Recorder(open_source("bcc"))
compiled = used()
recorder.run(sys.argv[1:], stdout=2)
session = recorder.session
high = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
recorder.discard()
print(json.dumps({"sent": session.sent, "received": session.received, "dropped": session.loss.dropped,
                  "rss_mb": int(high.split()[1]) / 1024, "cpu_s": used() - compiled}))
"""


def bare(command: list[str]) -> float:
    """Run a command that tells how long it took."""
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def traced(command: list[str]) -> float:
    """Run it traced."""
    with tempfile.TemporaryFile() as told:
        recorder = Recorder(open_source("bcc"))
        recorder.run(command, stdout=told)
        recorder.discard()
        told.seek(0)
        return float(told.read())


def compare(command: list[str]) -> tuple[float, float]:
    """Give the medians of paired runs, bare and traced."""
    pairs = [(bare(command), traced(command)) for _ in range(PAIRS)]
    without, with_ = (statistics.median(column) for column in zip(*pairs, strict=True))
    return without, with_


def test_a_run_that_waits_and_works_in_turn(say: Callable[[str], None]) -> None:
    """The shape of an agent's run: short commands, and waiting for the model between them."""
    without, with_ = compare(["/bin/bash", "-c", WAITING])
    seconds = f"plain {without / 1e6:.3f} s   traced {with_ / 1e6:.3f} s"
    say(f"agent-like run    {seconds}   ratio {with_ / without:.3f}")
    assert with_ / without <= 1.03


def test_a_tight_open_close_loop(loop: Path, say: Callable[[str], None]) -> None:
    """The worst case: nothing but traced system calls."""
    without, with_ = (seconds * 5 for seconds in compare([str(loop), "200000"]))
    say(f"open/close loop   plain {without:.2f} µs   traced {with_:.2f} µs   ratio {with_ / without:.2f}")
    assert with_ / without <= 3.5


def test_a_hundred_thousand_events_a_second(loop: Path, say: Callable[[str], None]) -> None:
    """Ten seconds of them, decoded, redacted and spooled."""
    command = [sys.executable, "-c", COLLECT, str(loop), "1000000", "100000"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told, seconds = json.loads(done.stdout), float(done.stderr)  # the loop's own
    rate = told["sent"] / seconds
    say(
        f"sustained         {rate:,.0f} events/s for {seconds:.1f} s   dropped {told['dropped']}   "
        f"collector {told['rss_mb']:.0f} MB, {told['cpu_s'] / seconds:.0%} of a processor"
    )
    assert told["received"] + told["dropped"] == told["sent"]
    assert told["dropped"] == 0
    assert rate >= 99_000
    assert told["rss_mb"] <= 160


def test_from_system_call_to_event(say: Callable[[str], None]) -> None:
    """From the return of the call to the event in Python, while the agent-like run goes on."""
    source = open_source("bcc")
    child = Child(["/bin/bash", "-c", WAITING], stdout=subprocess.DEVNULL)
    source.start(child.pid)
    child.release()
    delays: list[int] = []
    while child.poll() is None:
        events = source.poll(0.05)
        now = time.time_ns()
        delays += [
            now - int(str(e["@timestamp"])) for e in events if e["event.action"] in ("exec", "open", "fork")
        ]
    source.stop()
    cuts = statistics.quantiles(delays, n=100)
    p50, p99 = cuts[49] / 1000, cuts[98] / 1000
    say(f"latency           p50 {p50:.0f} µs   p99 {p99:.0f} µs   over {len(delays)} events")
    assert p50 <= 200
    assert p99 <= 5000
