"""How many tokens a request has, as the provider counts them."""

import json
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.anthropic import provider as anthropic_counting
from llmring_providers.openai import provider as openai_counting
from llmring_providers.sim import SimTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderResponseError,
)

TOOL = {"name": "f", "description": "does", "parameters": {"type": "object", "properties": {}}}
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}


class OneAnswer:
    """A transport that gives one answer, or fails."""

    def __init__(self, body: Any, status: int = 200, *, broken: bool = False) -> None:
        self.asked: list[HttpRequest] = []
        self._body, self._status, self._broken = body, status, broken

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        if self._broken:
            raise TransportError("api.example: connection refused")
        return HttpResponse(self._status, {}, json.dumps(self._body).encode())

    async def open(self, request: HttpRequest) -> ByteStream:
        raise AssertionError("a count is not streamed")

    async def aclose(self) -> None:
        pass


def provider(name: str, transport: Any) -> HttpProvider:
    built = find_factory(name)(ProviderSettings(name=name, transport=transport, api_key="k-made-up"))
    assert isinstance(built, HttpProvider)
    return built


def call(name: str, **more: Any) -> ChatCall:
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    request = LLMRequest(messages=messages, **{"max_tokens": 9, "temperature": 0.5, "tools": [TOOL], **more})
    return ChatCall(request, ModelRef(name, MODELS[name]))


async def counted(name: str, answer: Any, **more: Any) -> tuple[int, str, dict[str, Any]]:
    transport = OneAnswer(answer)
    count = await provider(name, transport).count_tokens(call(name, **more))
    (asked,) = transport.asked
    return count, asked.url, json.loads(asked.body)


async def test_anthropic_counts_what_a_message_request_has_without_its_limits() -> None:
    count, url, body = await counted("anthropic", {"input_tokens": 12}, reasoning_tokens=2000)
    assert (count, url) == (12, "https://api.anthropic.com/v1/messages/count_tokens")
    assert body == {
        "model": "claude-sonnet-4-5",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "f", "description": "does", "input_schema": TOOL["parameters"]}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }


async def test_gemini_counts_the_whole_request() -> None:
    count, url, body = await counted("google", {"totalTokens": 13, "promptTokensDetails": []})
    assert count == 13
    assert url.endswith("/v1beta/models/gemini-2.5-flash:countTokens")
    request = body["generateContentRequest"]
    assert request["model"] == "models/gemini-2.5-flash"
    assert {"contents", "systemInstruction", "tools"} <= set(request)


async def test_openai_counts_in_the_form_of_the_responses_api() -> None:
    answer = {"object": "response.input_tokens", "input_tokens": 14}
    count, url, body = await counted("openai", answer)
    assert (count, url) == (14, "https://api.openai.com/v1/responses/input_tokens")
    assert set(body) == {"model", "input", "tools"}
    assert [item["role"] for item in body["input"]] == ["system", "user"]


async def test_what_changes_a_count_at_anthropic_is_sent() -> None:
    given = {"context_management": {"edits": []}, "mcp_servers": [], "betas": ["b-1"], "service_tier": "auto"}
    _, _, body = await counted("anthropic", {"input_tokens": 12}, extra_params=given)
    assert body.keys() & given.keys() == {"context_management", "mcp_servers"}


@pytest.mark.parametrize("provider", ["anthropic", "google", "openai"])
async def test_a_count_may_be_a_text(provider: str) -> None:
    count, _, _ = await counted(provider, {"input_tokens": "12", "totalTokens": "12"})
    assert count == 12


def test_the_fields_are_those_that_the_vendors_sdks_send() -> None:
    from anthropic.types.beta import MessageCountTokensParams
    from openai.types.responses import InputTokenCountParams

    assert set(MessageCountTokensParams.__annotations__) >= anthropic_counting._COUNTED
    assert set(InputTokenCountParams.__annotations__) >= openai_counting._COUNTED


@pytest.mark.parametrize("name", MODELS)
async def test_an_answer_that_is_no_count_is_malformed(name: str) -> None:
    answers: list[Any] = [{}, {"input_tokens": "many", "totalTokens": "many"}, []]
    for answer in answers:
        with pytest.raises(MalformedResponseError):
            await provider(name, OneAnswer(answer)).count_tokens(call(name))


@pytest.mark.parametrize("name", MODELS)
async def test_a_refusal_and_a_broken_connection_are_the_usual_errors(name: str) -> None:
    with pytest.raises(ProviderBadRequestError):
        await provider(name, OneAnswer({"error": {"message": "no"}}, 400)).count_tokens(call(name))
    with pytest.raises(ProviderConnectionError):
        await provider(name, OneAnswer({}, broken=True)).count_tokens(call(name))


async def test_who_does_not_count_says_so() -> None:
    for name in ("ollama", "sim"):
        asked = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef(name, "x"))
        with pytest.raises(ProviderResponseError, match="does not count tokens"):
            await provider(name, SimTransport()).count_tokens(asked)
