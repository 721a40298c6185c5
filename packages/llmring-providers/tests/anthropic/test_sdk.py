"""The same scenario through the vendor's SDK and through the adapter: one wire, one answer."""

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest
from llmring_providers import ChatCall, ProviderSettings
from llmring_providers.anthropic import AnthropicAdapter, create
from llmring_types import LLMResponse, Message, collect, tool_call

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's, of models

NO_TRANSPORT: Any = None
WEATHER = {
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
HI = [{"role": "user", "content": "Hi"}]

ROWS: list[Any] = [
    pytest.param({"max_tokens": 9}, {"messages": HI, "max_tokens": 9}, id="plain"),
    pytest.param(
        {
            "messages": [
                Message(role="system", content="Be brief.", metadata={"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
                Message(
                    role="user",
                    content=[
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                    ],
                ),
                Message(role="assistant", content="", tool_calls=[tool_call("t", "get_weather", '{"city":"Rome"}')]),
                Message(role="tool", content="12 °C", tool_call_id="t", metadata={"is_error": False}),
                Message(role="system", content="Celsius."),
            ],
            "max_tokens": 9,
            "tools": [WEATHER],
            "tool_choice": "auto",
            "cache": {"ttl": "1h"},
            "reasoning_effort": "high",
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "string"}}},
            "extra_params": {"stop": "END", "user": "u"},
        },
        {
            "max_tokens": 9,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t", "name": "get_weather", "input": {"city": "Rome"}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12 °C"}]},
                {"role": "system", "content": [{"type": "text", "text": "Celsius."}]},
            ],
            "tools": [
                {"name": "get_weather", "description": "Weather", "input_schema": WEATHER["parameters"]}
            ],
            "tool_choice": {"type": "auto"},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "string"}}},
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u"},
        },
        id="everything",
    ),
]  # fmt: skip


def client(answer: httpx2.Response, sent: list[bytes]) -> anthropic.AsyncAnthropic:
    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return answer

    return anthropic.AsyncAnthropic(
        api_key="k", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
    )


@pytest.mark.parametrize(("ours", "theirs"), ROWS)
async def test_both_put_the_same_json_on_the_wire(
    ours: dict[str, Any],
    theirs: dict[str, Any],
    recording: Callable[[str], dict[str, Any]],
    call_with: Callable[..., ChatCall],
) -> None:
    sent: list[bytes] = []
    body = recording("c675777f56a9")["response"]["body_text"]
    sdk = client(httpx2.Response(200, content=body, headers={"content-type": "application/json"}), sent)
    await sdk.messages.create(model="claude-opus-4-8", **theirs)
    wire = AnthropicAdapter().encode(call_with(model="claude-opus-4-8", **ours), stream=False)
    assert json.loads(wire.body) == json.loads(sent[0])


def same(response: LLMResponse, message: Any) -> None:
    assert response.content == "".join(block.text for block in message.content if block.type == "text")
    assert (response.reasoning or "") == "".join(
        block.thinking for block in message.content if block.type == "thinking"
    )
    assert [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in response.tool_calls or ()
    ] == [(block.id, block.name, block.input) for block in message.content if block.type == "tool_use"]
    assert (response.provider_finish_reason, response.provider_model, response.response_id) == (
        message.stop_reason,
        message.model,
        message.id,
    )
    assert response.usage is not None
    assert response.usage["completion_tokens"] == message.usage.output_tokens
    if response.native is not None and "replay" in response.native:
        assert len(response.native["replay"]) == len(message.content)


@pytest.mark.parametrize("ending", ["c675777f56a9", "cf5d996169de", "34ffd22aa5d4", "c74c2d1795ed", "2de8feb62c0c", "1a7f110b418b"])  # fmt: skip
async def test_both_read_the_same_answer(
    ending: str, recording: Callable[[str], dict[str, Any]], call_with: Callable[..., ChatCall]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    sdk = client(httpx2.Response(200, content=body, headers={"content-type": "application/json"}), [])
    message = await sdk.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
    adapter, call = AnthropicAdapter(), call_with()
    same(adapter.decode(body, call, adapter.encode(call, stream=False)), message)


@pytest.mark.parametrize("ending", ["b549eef2d796", "5263aadad89e", "df18adb02e56", "1ff9c9c84aac", "69e0a70291be", "c491d26222b0"])  # fmt: skip
async def test_both_read_the_same_stream(
    ending: str, recording: Callable[[str], dict[str, Any]], call_with: Callable[..., ChatCall]
) -> None:
    body = recording(ending)["response"]["body_text"].encode()
    sdk = client(httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"}), [])
    async with sdk.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        message = await stream.get_final_message()
    adapter, call = AnthropicAdapter(), call_with()
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    same(collect(decoder.feed(body)), message)


async def test_raw_access_has_the_same_key_and_address() -> None:
    provider = create(
        ProviderSettings(
            name="anthropic", transport=NO_TRANSPORT, api_key="sk-ant-1", base_url="http://proxy.example"
        )
    )
    raw = provider.client
    assert isinstance(raw, anthropic.AsyncAnthropic)
    assert (raw.api_key, str(raw.base_url).rstrip("/")) == ("sk-ant-1", "http://proxy.example")
    assert provider.client is raw
    await provider.aclose()
    assert raw.is_closed()
