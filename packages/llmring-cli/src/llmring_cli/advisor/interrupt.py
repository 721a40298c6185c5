"""Ctrl-C in a session."""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def interruptible(turn: Coroutine[Any, Any, T]) -> T | None:
    """Run a turn that Ctrl-C stops; ``None`` if it did. The session goes on."""
    task = asyncio.create_task(turn)
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except NotImplementedError:  # Windows: there Ctrl-C ends the whole session
        return await task
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end what blocks the event loop; asyncio's own handler would wait for it.

    Raises:
        KeyboardInterrupt: asyncio's handler has had one just before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGINT, before)
