"""Tracebacks with locals: no frame of llmring shows a key, whatever went wrong."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from llmring import LLMRequest, LLMRing, Message
from llmring.exceptions import CassetteMismatchError, LLMRingError, ServerError
from llmring.server import ServerClient
from llmring.testing import Rule, Script, Simulator, faults, record, replay
from llmring_providers.transport import AutoTransport

KEY = "canary-key-0123456789abcdef"
NOWHERE = "http://127.0.0.1:1"
SOURCES = Path(__file__).parents[1] / "packages"


def ask(model: str, text: str = "Hello") -> LLMRequest:
    return LLMRequest(model=model, messages=[Message(role="user", content=text)])


def locals_with_key(error: BaseException | None) -> Iterator[str]:
    """Yield the places where a traceback with locals would show the key, causes included."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        trace = error.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            if Path(frame.f_code.co_filename).is_relative_to(SOURCES):
                for name, value in frame.f_locals.items():
                    if KEY in repr(value):
                        yield f"{frame.f_code.co_qualname}: {name}"
        error = error.__cause__ or error.__context__


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "ollama"])
@pytest.mark.parametrize("fault", [faults.Status(status=401), faults.Status(status=500), None])
async def test_a_call_that_fails(simulator: Simulator, provider: str, fault: faults.Status | None) -> None:
    simulator.script = Script(rules=(Rule(fault=fault),) if fault is not None else ())
    async with LLMRing() as ring:
        url = NOWHERE if fault is None else simulator.base_url(provider)
        ring.register_provider(provider, api_key=KEY, base_url=url)
        with pytest.raises(LLMRingError) as caught:
            await ring.chat(ask(f"{provider}:m"))
        assert list(locals_with_key(caught.value)) == []
        with pytest.raises(LLMRingError) as caught:
            async for _ in ring.chat_stream(ask(f"{provider}:m")):
                pass
        assert list(locals_with_key(caught.value)) == []


@pytest.mark.parametrize("reachable", [True, False])
async def test_a_query_of_the_usage_server_that_fails(simulator: Simulator, *, reachable: bool) -> None:
    client = ServerClient(simulator.url if reachable else NOWHERE, KEY, transport=AutoTransport())
    with pytest.raises(ServerError) as caught:
        await client.stats()
    await client.aclose()
    assert list(locals_with_key(caught.value)) == []


async def test_a_replay_that_does_not_agree(simulator: Simulator, tmp_path: Path) -> None:
    async def chat(text: str) -> None:
        async with LLMRing() as ring:
            ring.register_provider("openai", api_key=KEY, base_url=simulator.base_url("openai"))
            await ring.chat(ask("openai:m", text))

    with record(tmp_path / "one.json", secrets=[KEY]):
        await chat("Hello")
    with pytest.raises(CassetteMismatchError) as caught, replay(tmp_path / "one.json", secrets=[KEY]):
        await chat("Something else")
    assert list(locals_with_key(caught.value)) == []
