"""Requests read back from a cassette: the same as were sent, whatever the protocol."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring import LLMRequest, LLMRing, Message
from llmring.exceptions import CassetteError, ValidationError
from llmring.testing import Simulator, record, recorded_requests

TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
MODELS = [
    "openai:gpt-4o-mini",
    "anthropic:claude-haiku-4-5",
    "google:gemini-2.5-flash",
    "ollama:llama3",
    "groq:llama-3.3-70b-versatile",
]


@pytest.mark.parametrize("model", MODELS)
async def test_a_request_is_read_back_as_it_was_sent(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = model.partition(":")[0]
    request = LLMRequest(
        [Message(role="system", content="Be brief."), Message(role="user", content="Where is Oslo?")],
        model=model,
        max_tokens=7,
        tools=[TOOL],
    )
    async with Simulator() as simulator:
        monkeypatch.setenv(f"{provider.upper()}_BASE_URL", simulator.base_url(provider))
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "a-key-of-a-test")
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        with record(tmp_path / "one.json"):
            async with LLMRing() as ring:
                await ring.chat(request)
                async for _ in ring.chat_stream(request):
                    pass
    found = recorded_requests(tmp_path / "one.json")
    assert [f"{one.provider}:{one.model}" for one in found] == [model, model]
    for one in found:
        read = one.request
        assert isinstance(read, LLMRequest)
        assert (read.model, read.max_tokens) == (model, 7)
        assert [(message.role, message.content) for message in read.messages] == [
            ("system", "Be brief."),
            ("user", "Where is Oslo?"),
        ]
        assert [tool["function"]["name"] for tool in read.tools or []] == ["look"]


def interaction(**asked: Any) -> dict[str, Any]:
    request = {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", **asked}
    return {"provider": "openai", "request": request, "answer": {"status": 200}}


def test_what_is_no_chat_is_left_out_and_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    document = {
        "version": 1,
        "interactions": [
            interaction(method="GET", url="https://api.openai.com/v1/models"),
            interaction(url="https://example.com/other"),
            interaction(text="no JSON"),
            interaction(),
            interaction(json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}),
        ],
    }
    path.write_bytes(msgspec.json.encode(document))
    first, second, third = recorded_requests(path)
    assert isinstance(first.request, ValidationError)
    assert isinstance(second.request, ValidationError)
    assert (first.model, third.model) == ("", "gpt-4o-mini")


def test_a_cassette_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="there is no cassette"):
        recorded_requests(tmp_path / "absent.json")
