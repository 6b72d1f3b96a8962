"""`temporal_ordered`: the steps in their order.

For each step but the last, the chain of events up to it that began latest is kept, so a group's state is as
long as its rule and never longer. A later event for the same step replaces an earlier one when the chain it
ends began no earlier. When the last step is reached in time the chain is given, and every kept chain that
shares an event with it is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.scorer.plan import Term
from workbench.scorer.sighting import Completion, Sighting

Chain = tuple[Sighting, ...]


class Sequence(msgspec.Struct, gc=False):
    """One group's chains for one term: `chains[k]` ends at step k; times are nanoseconds.

    >>> sequence = Sequence(Term(every=(0, 1)), timespan=10)
    >>> step = lambda position, time: sequence.observe({position: Sighting(time, time, (str(time),), ())})
    >>> step(1, 1), step(0, 2), step(0, 3)
    (None, None, None)
    >>> [sighting.time for sighting in step(1, 13).sightings]
    [3, 13]
    """

    term: Term
    timespan: int
    chains: list[Chain | None] = []

    def __post_init__(self) -> None:
        """Begin without a chain."""
        self.chains = [None] * (len(self.term.every) - 1)

    def observe(self, found: Mapping[int, Sighting]) -> Completion | None:
        """Take an event's matches by the position of their rule; give the chain it completes, if any."""
        steps, none = self.term.every, self.term.none
        if none and not found.keys().isdisjoint(none):
            self.chains = [None] * len(self.chains)
            return None
        complete: Chain | None = None
        last = len(steps) - 1
        # From the last step back, so that an event never follows itself.
        for step in range(last, -1, -1):
            sighting = found.get(steps[step])
            if sighting is None:
                continue
            before = self.chains[step - 1] if step else ()
            if before is None or (before and sighting.time - before[0].time > self.timespan):
                continue
            chain = (*before, sighting)
            if step == last:
                complete = chain
                self._consume(chain)
            elif complete is None:
                self._keep(step, chain)
        return Completion(complete[0].time, complete) if complete else None

    def _keep(self, step: int, chain: Chain) -> None:
        kept = self.chains[step]
        if kept is None or chain[0].time >= kept[0].time:
            self.chains[step] = chain

    def _consume(self, chain: Chain) -> None:
        used = {sighting.serial for sighting in chain}
        self.chains = [
            None if kept and any(sighting.serial in used for sighting in kept) else kept
            for kept in self.chains
        ]

    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return not any(self.chains)

    def snapshot(self) -> Any:
        """Give the state as plain data."""
        return msgspec.to_builtins(self.chains)

    def restore(self, data: Any) -> None:
        """Take the state from plain data; raises msgspec.ValidationError when it is malformed."""
        chains = msgspec.convert(data, list[Chain | None])
        if len(chains) != len(self.chains):
            raise msgspec.ValidationError("wrong number of steps")
        self.chains = chains
