"""Costs of bulk jobs that must not grow, counted in function calls and bytes."""

import asyncio
import gc
import sys
import tracemalloc
from types import FrameType

import pytest
from bulk import SIDES, measure
from memory_ring import memory_ring

MOST_FUNCTIONS = {"map": 80, "map, journal": 130}
"""Python functions that a row may enter or resume beyond those of a bare call, with the checks of tests in each."""
MOST_PER_ROW = 64
"""Bytes that a further row may need: an outcome alone has a thousand, so nothing is kept of those that were fetched."""


def functions(side: str, rows: int) -> float:
    """Count the functions for each row, in the event loop's thread."""
    ring, entered = memory_ring(), 0
    asyncio.run(SIDES[side](ring, 50))

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        entered += event == "call"

    sys.setprofile(count)
    try:
        asyncio.run(SIDES[side](ring, rows))
    finally:
        sys.setprofile(None)
    return entered / rows


@pytest.mark.parametrize("side", MOST_FUNCTIONS)
def test_a_row_costs_little_more_than_a_call_however_many_there_are(side: str) -> None:
    bare, few, many = functions("bare", 300), functions(side, 1000), functions(side, 3000)
    assert few - bare <= MOST_FUNCTIONS[side]
    assert many <= few * 1.05


@pytest.mark.parametrize("side", MOST_FUNCTIONS)
def test_the_memory_of_a_job_does_not_grow_with_its_rows(side: str) -> None:
    peaks = []
    ring = memory_ring()
    asyncio.run(SIDES[side](ring, 1000))
    for rows in (1000, 5000):
        gc.collect()
        tracemalloc.start()
        asyncio.run(SIDES[side](ring, rows))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < MOST_PER_ROW


def test_every_side_can_be_measured() -> None:
    for side in SIDES:
        found = measure(side, 20)
        assert found["cpu"] > 0
        assert found["mib"] > 1
