"""Through how many modules a reader follows one call: those of ours that a warm call enters, whatever the machine."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from llmring import LLMRequest, LLMRing, Message
from memory_ring import memory_ring
from samples import SAMPLES

PACKAGES = str(Path(__file__).parents[2] / "packages")
REQUEST = LLMRequest([Message(role="user", content="Hello")], model="fast", max_tokens=256)
MOST = {"chat": 34, "chat_stream": 42, "bind_alias": 16}


def modules(call: Callable[[], Coroutine[Any, Any, None]]) -> list[str]:
    """Return the modules of the packages in which a function is entered or resumed by a second call."""
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGES):
            entered.add(frame.f_code.co_filename.removeprefix(PACKAGES))

    async def twice() -> None:
        await call()
        sys.setprofile(note)
        try:
            await call()
        finally:
            sys.setprofile(None)

    asyncio.run(twice())
    return sorted(entered)


async def chat(ring: LLMRing) -> None:
    await ring.chat(REQUEST)


async def chat_stream(ring: LLMRing) -> None:
    async for _ in ring.chat_stream(REQUEST):
        pass


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("journey", [chat, chat_stream])
def test_a_call_enters_few_modules(
    journey: Callable[[LLMRing], Coroutine[Any, Any, None]], name: str
) -> None:
    ring = memory_ring(name)
    entered = modules(lambda: journey(ring))
    assert len(entered) <= MOST[journey.__name__], "\n".join(entered)


def test_binding_an_alias_enters_few_modules(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    path.write_text('version = "1.0"\n', "utf-8")
    ring, models = LLMRing(lockfile_path=path), iter(["openai:gpt-5", "openai:gpt-5-mini"])

    async def bind() -> None:
        ring.bind_alias("fast", next(models))

    entered = modules(bind)
    assert len(entered) <= MOST["bind_alias"], "\n".join(entered)
