"""What this machine makes of work that is always the same: filling a dictionary with 200 numbers.

Prints JSON: microseconds for half of 100,000 rounds and for 999 of 1,000, in the thread's CPU time, as
`measure.py` does. Figures of two machines can be compared by the first; what the second is above it, such as
the timer's interrupts, is the machine's and not the scorer's.
"""

from __future__ import annotations

import gc
import json
from time import thread_time_ns

_ROUNDS, _NUMBERS = 100_000, 200


def work() -> int:
    """Do the work."""
    return len({number: number for number in range(_NUMBERS)})


def main() -> None:
    """Measure, print."""
    gc.disable()
    taken = []
    for _ in range(_ROUNDS):
        began = thread_time_ns()
        work()
        taken.append(thread_time_ns() - began)
    ranked = sorted(taken)
    print(json.dumps({"p50": ranked[_ROUNDS // 2] / 1_000, "p99.9": ranked[_ROUNDS * 999 // 1_000] / 1_000}))


if __name__ == "__main__":
    main()
