"""Nothing stands between a call and its answer: no registry, no usage server, no log."""

import asyncio
from pathlib import Path

import pytest
from llmring import LLMRequest, LLMRing, Message

ASKED = LLMRequest(messages=[Message(role="user", content="Hi")], model="sim:demo")


class HangingNetwork:
    """Every connection hangs for ever; tells who was called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called: list[object] = []
        self.attempted = asyncio.Event()

        async def hang(loop: object, sock: object, address: object) -> None:
            self.called.append(address)
            self.attempted.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", hang)


async def test_a_call_waits_for_no_registry_and_no_usage_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = HangingNetwork(monkeypatch)
    monkeypatch.setattr("llmring.server._delivery.Delivery.aclose", _give_up)
    ring = LLMRing(
        registry_url="http://127.0.0.1:9998",
        server_url="http://127.0.0.1:9999",
        api_key="k",
        log_conversations=True,
        usage_log=tmp_path / "usage.db",
    )
    for _ in range(3):
        response = await ring.chat(ASKED)
        chunks = [chunk async for chunk in ring.chat_stream(ASKED)]
        assert response.content
        assert chunks[-1].finish_reason == "stop"
    assert network.called == []  # not one attempt while anybody waited
    await network.attempted.wait()
    assert set(network.called) == {("127.0.0.1", 9999)}  # and the registry is never asked at all
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await ring.close()


async def _give_up(self: object) -> None:
    """The limit of closing is tested with the delivery itself."""
