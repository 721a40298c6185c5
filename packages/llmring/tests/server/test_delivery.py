"""The queue that is emptied in the background."""

import asyncio
import threading
from contextvars import ContextVar

import anyio
import pytest
import trio
from llmring.server._delivery import Delivery


class Receiver:
    """Takes items, unless it is away or closed."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.refused = 0
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, item: int) -> bool:
        await self.open.wait()
        if self.away:
            self.refused += 1
            return False
        self.got.append(item)
        return True


def tasks() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def settled() -> None:
    """Let the loop run until it has nothing to do at once."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_items_are_delivered_in_the_background_and_no_task_stays() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)
    for item in range(20):
        delivery.offer(item)
    assert receiver.got == []
    await settled()
    assert receiver.got == list(range(20))
    assert tasks() == set()
    delivery.offer(20)
    await settled()
    assert receiver.got[-1] == 20


async def test_the_task_has_nothing_of_the_context_in_which_it_began() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="empty")
    seen: list[str] = []

    async def receive(item: int) -> bool:
        seen.append(variable.get())
        return True

    variable.set("of the caller")
    Delivery(receive).offer(1)
    await settled()
    assert seen == ["empty"]


async def test_closing_delivers_what_waits() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)
    for item in range(3):
        delivery.offer(item)
    await delivery.aclose()
    assert receiver.got == [0, 1, 2]
    assert (delivery.lost, tasks()) == (0, set())


async def test_while_nobody_receives_items_wait_in_their_order() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)
    receiver.away = True
    for item in range(3):
        delivery.offer(item)
    await settled()
    assert receiver.refused == 3
    delivery.offer(3)
    await settled()
    assert receiver.refused == 3  # it is not asked again before the pause is over
    receiver.away = False
    await delivery.aclose()
    assert receiver.got == [0, 1, 2, 3]


async def test_after_a_pause_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmring.server._delivery._FIRST_PAUSE_S", 0.001)
    tries: asyncio.Queue[int] = asyncio.Queue()

    async def receive(item: int) -> bool:
        tries.put_nowait(item)
        return tries.qsize() == 3

    Delivery(receive).offer(1)
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks())
    assert tries.qsize() == 3


async def test_closing_tries_once_where_nobody_receives_and_says_what_was_lost() -> None:
    receiver = Receiver()
    receiver.away = True
    delivery = Delivery(receiver)
    for item in range(3):
        delivery.offer(item)
    await delivery.aclose()
    assert (receiver.got, delivery.lost, tasks()) == ([], 3, set())


async def test_closing_takes_no_longer_than_its_limit_and_leaves_no_task() -> None:
    receiver = Receiver()
    receiver.open.clear()
    delivery = Delivery(receiver, close_limit_s=0.01)
    for item in range(10):
        delivery.offer(item)
    await delivery.aclose()
    assert (delivery.lost, tasks()) == (10, set())
    receiver.open.set()
    delivery.offer(10)
    await settled()
    assert receiver.got == [10]


async def test_a_full_queue_loses_its_oldest_item() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver, size=3)
    for item in range(5):
        delivery.offer(item)
    await delivery.aclose()
    assert (receiver.got, delivery.lost) == ([2, 3, 4], 2)


async def test_several_items_are_delivered_at_once_but_not_all() -> None:
    under_way, most = 0, 0

    async def receive(item: int) -> bool:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return True

    delivery = Delivery(receive)
    for item in range(50):
        delivery.offer(item)
    await delivery.aclose()
    assert 1 < most <= 8


def test_items_offered_without_a_loop_wait_for_one() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)
    delivery.offer(1)
    asyncio.run(delivery.aclose())
    assert receiver.got == [1]


def test_a_loop_that_ends_early_leaves_the_rest_to_the_next() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)

    async def offer(item: int) -> None:
        delivery.offer(item)

    asyncio.run(offer(1))  # ends before the task has begun
    asyncio.run(delivery.aclose())
    assert receiver.got == [1]


async def test_loops_of_other_threads_have_tasks_of_their_own() -> None:
    receiver = Receiver()
    delivery = Delivery(receiver)

    async def offer() -> None:
        delivery.offer(1)
        await settled()

    thread = threading.Thread(target=lambda: asyncio.run(offer()))
    thread.start()
    thread.join()
    delivery.offer(2)
    await settled()
    assert receiver.got == [1, 2]


def test_trio_delivers_in_the_background_too() -> None:
    got: list[int] = []

    async def receive(item: int) -> bool:
        got.append(item)
        return item < 2

    async def main() -> None:
        delivery = Delivery(receive)
        for item in range(3):
            delivery.offer(item)
        assert got == []
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(got) == [0, 1, 2]  # the last waits for another try
        await delivery.aclose()
        assert (sorted(got), delivery.lost) == ([0, 1, 2, 2], 1)

    trio.run(main)


def test_closing_on_trio_takes_no_longer_than_its_limit() -> None:
    async def receive(item: int) -> bool:
        await trio.Event().wait()
        return True

    async def main() -> None:
        delivery = Delivery(receive, close_limit_s=0.01)
        delivery.offer(1)
        await trio.testing.wait_all_tasks_blocked()
        await delivery.aclose()
        assert delivery.lost == 1

    trio.run(main)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_fault_of_the_sender_is_raised_on_closing(backend: str) -> None:
    async def receive(item: int) -> bool:
        raise ValueError(item)

    async def main() -> None:
        delivery = Delivery(receive)
        delivery.offer(1)
        with pytest.raises(ValueError, match="1"):
            await delivery.aclose()

    anyio.run(main, backend=backend)
