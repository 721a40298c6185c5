"""Keys that a function gives to a ring."""

import pytest
from llmring import LLMRing
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message

ANSWER = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'


class Host:
    """Takes the key ``fresh-token`` alone."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.keys.append(request.headers["authorization"])
        fine = self.keys[-1] == "Bearer fresh-token"
        return HttpResponse(200 if fine else 401, {}, ANSWER if fine else b"{}")

    async def open(self, request: HttpRequest) -> ByteStream:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


async def test_a_registered_provider_asks_a_function_for_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    host, keys = Host(), ["stale-token", "fresh-token"]
    async with LLMRing(transport=host) as ring:
        ring.register_provider("openai", api_key=lambda: keys.pop(0))
        request = LLMRequest(messages=[Message(role="user", content="Hi")], model="openai:gpt-4o")
        assert (await ring.chat(request)).content == "Hello"
        assert (await ring.chat(request)).attempts[0].error is None
        assert {"stale-token", "fresh-token"} <= ring._providers.secrets()
        assert "token" not in repr(ring.providers["openai"])
    assert host.keys == ["Bearer stale-token", "Bearer fresh-token", "Bearer fresh-token"]
