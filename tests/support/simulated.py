"""The simulator beside tests that are not asynchronous themselves."""

import asyncio
import threading
from typing import Self

from llmring.testing import Received, Script, Simulator


class Simulated:
    """A simulator in a thread of its own, until the block ends."""

    def __init__(self, script: Script | None = None) -> None:
        self._simulator = Simulator(script)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._simulator.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._simulator.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def requests(self) -> list[Received]:
        return self._simulator.requests

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process of llmring talk to it."""
        return {
            "OPENAI_API_KEY": "sk-made-up",
            "OPENAI_BASE_URL": self._simulator.base_url("openai"),
            "ANTHROPIC_BASE_URL": self._simulator.base_url("anthropic"),
            "GOOGLE_GEMINI_BASE_URL": self._simulator.base_url("google"),
            "OLLAMA_BASE_URL": self._simulator.base_url("ollama"),
        }
