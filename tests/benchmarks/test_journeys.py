"""The modules through which a reader follows one call: those of ours that it enters, whatever the machine."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from llmring import LLMRequest, LLMRing, Message
from llmring_lockfile import parse
from llmring_providers import HttpProvider
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from memory_ring import memory_ring
from samples import SAMPLES

PACKAGES = str(Path(__file__).parents[2] / "packages")
REQUEST = LLMRequest([Message(role="user", content="Hello")], model="fast", max_tokens=256)
MOST = {"chat": 22, "chat_stream": 26, "failed_attempt": 4, "bind_alias": 9}


class Walk:
    """The modules of the packages that are entered or resumed while it lasts."""

    def __init__(self) -> None:
        self.entered: set[str] = set()

    def begin(self) -> None:
        sys.setprofile(self._note)

    def end(self) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGES):
            self.entered.add(frame.f_code.co_filename.removeprefix(PACKAGES))


class FailingOnce:
    """A transport whose first request fails; the walk is from there to the second one."""

    def __init__(self, walk: Walk, answer: bytes) -> None:
        self._walk = walk
        self._answers = iter([HttpResponse(503, {}, b""), HttpResponse(200, {}, answer)])

    async def send(self, request: HttpRequest) -> HttpResponse:
        self._walk.end()
        answer = next(self._answers)
        if answer.status != 200:
            self._walk.begin()
        return answer

    async def open(self, request: HttpRequest) -> ByteStream:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


def modules(call: Callable[[], Coroutine[Any, Any, None]]) -> list[str]:
    """Return the modules of the packages in which a function is entered or resumed by a second call."""
    walk = Walk()

    async def twice() -> None:
        await call()
        walk.begin()
        try:
            await call()
        finally:
            walk.end()

    asyncio.run(twice())
    return sorted(walk.entered)


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


async def test_a_failed_attempt_is_understood_from_few_modules_of_the_core() -> None:
    sample, walk = SAMPLES["openai"], Walk()
    table = '[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["openai:gpt-5", "openai:gpt-5-mini"]'
    ring = LLMRing(lockfile=parse(f'version = "1.0"\n{table}\n'))
    transport = FailingOnce(walk, sample.answer)
    provider = HttpProvider(
        "openai", adapter=sample.adapter, transport=transport, base_url="http://127.0.0.1", api_key="k"
    )
    ring.register_provider("openai", provider)
    response = await ring.chat(REQUEST)
    assert [attempt.outcome for attempt in response.attempts] == ["error", "ok"]
    entered = sorted(name for name in walk.entered if name.startswith("/llmring/"))
    assert len(entered) <= MOST["failed_attempt"], "\n".join(entered)


@pytest.mark.parametrize("others", [0, 1], ids=["of a bound alias", "of the first alias of a file"])
def test_binding_an_alias_enters_few_modules(tmp_path: Path, others: int) -> None:
    rings = [new_ring(tmp_path / f"{number}.lock") for number in range(1 + others)]
    calls = iter([(rings[0], "openai:gpt-5"), (rings[-1], "openai:gpt-5-mini")])

    async def bind() -> None:
        ring, model = next(calls)
        ring.bind_alias("fast", model)

    entered = modules(bind)
    assert len(entered) <= MOST["bind_alias"], "\n".join(entered)


def new_ring(path: Path) -> LLMRing:
    path.write_text('version = "1.0"\n', "utf-8")
    return LLMRing(lockfile_path=path)
