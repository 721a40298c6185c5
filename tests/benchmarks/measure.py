"""Costs as ratios: work against a reference that runs beside it, so that any machine gives the same number."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Batch = Callable[[int], float]
"""Does something so many times and returns the seconds that it took."""

_BATCH_S = 0.01
"""Long enough for the clock, short enough that a busy moment of the machine spoils few batches."""


class Pair(NamedTuple):
    """A measured batch, and the reference beside it."""

    work: Batch
    reference: Batch


class Benchmark(NamedTuple):
    """One line of the table.

    Attributes:
        name: what is measured.
        reference: what it is compared to, in words.
        make: builds both sides; its cost is not measured.
        single: one iteration is long, such as starting a process: no batches.
    """

    name: str
    reference: str
    make: Callable[[], Pair]
    single: bool = False


def batch(function: Callable[[], object]) -> Batch:
    """Repeat a function by the clock of this process."""

    def run(times: int) -> float:
        started = time.process_time()
        for _ in range(times):
            function()
        return time.process_time() - started

    return run


def ratio(benchmark: Benchmark, rounds: int) -> float:
    """Return the cost of one iteration as a multiple of the reference: the median over rounds, the sides in turn."""
    work, reference = benchmark.make()
    often, seldom = (1, 1) if benchmark.single else (_times(reference), _times(work))
    return statistics.median((work(seldom) / seldom) / (reference(often) / often) for _ in range(rounds))


def _times(side: Batch) -> int:
    """Return how often one side fits into a batch."""
    times = 1
    side(times)  # what is made at the first use is not a running cost
    while (took := side(times)) < _BATCH_S / 4:
        times *= 4
    return max(1, round(times * _BATCH_S / took))
