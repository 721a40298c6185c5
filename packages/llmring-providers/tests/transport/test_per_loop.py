"""One resource per loop."""

import asyncio
import gc
from collections.abc import AsyncGenerator

from llmring_providers.transport._per_loop import PerLoop


class Pools:
    """Makes numbered pools and remembers which were closed, and in which loop."""

    def __init__(self) -> None:
        self.made = 0
        self.closed: list[tuple[int, bool]] = []

    async def hold(self) -> AsyncGenerator[int, None]:
        loop = asyncio.get_running_loop()
        self.made += 1
        number = self.made
        try:
            yield number
        finally:
            self.closed.append((number, loop is asyncio.get_running_loop()))


def test_a_loop_keeps_its_own_and_closes_it_at_its_end() -> None:
    pools = Pools()
    per_loop = PerLoop(pools.hold)

    async def twice() -> list[int]:
        return [await per_loop.get(), await per_loop.get()]

    assert asyncio.run(twice()) == [1, 1]
    assert pools.closed == [(1, True)]
    assert asyncio.run(twice()) == [2, 2]
    assert pools.closed == [(1, True), (2, True)]


async def test_a_new_one_is_made_after_closing() -> None:
    pools = Pools()
    per_loop = PerLoop(pools.hold)
    await per_loop.get()
    await asyncio.gather(per_loop.aclose(), per_loop.aclose())
    assert pools.closed == [(1, True)]
    assert await per_loop.get() == 2
    await per_loop.aclose()


async def test_one_that_nobody_holds_any_more_is_closed_by_its_loop() -> None:
    pools = Pools()
    per_loop = PerLoop(pools.hold)
    await per_loop.get()
    del per_loop
    gc.collect()
    for _ in range(3):
        await asyncio.sleep(0)
    assert pools.closed == [(1, True)]


def test_closing_in_another_loop_closes_where_it_was_made() -> None:
    pools = Pools()
    per_loop = PerLoop(pools.hold)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(per_loop.get())
        asyncio.run(per_loop.aclose())
        assert not pools.closed
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(asyncio.sleep(0))
        assert pools.closed == [(1, True)]
    finally:
        loop.close()


def test_a_loop_that_was_closed_without_ceremony_is_forgotten() -> None:
    pools = Pools()
    per_loop = PerLoop(pools.hold)
    for _ in range(3):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(per_loop.get())
        loop.close()
    assert pools.made == 3
    assert len(per_loop._held) == 1
