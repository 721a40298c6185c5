"""The same scenario through the vendor's SDK and through the adapter: one wire, one answer."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import ollama
import pytest
from llmring_providers import ChatCall
from llmring_providers.ollama import OllamaAdapter
from llmring_types import Message, tool_call

PIXEL = "iVBORw0KGgo="
WEATHER = {
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
HI = [{"role": "user", "content": "Hi"}]

ROWS: list[Any] = [
    pytest.param({}, {"messages": HI}, id="plain"),
    pytest.param(
        {
            "messages": [
                Message(role="system", content="Be brief."),
                Message(role="user", content="Hi"),
            ],
            "temperature": 0.5,
            "max_tokens": 9,
            "extra_params": {"seed": 3, "keep_alive": "1m"},
        },
        {
            "messages": [{"role": "system", "content": "Be brief."}, *HI],
            "options": {"temperature": 0.5, "num_predict": 9, "seed": 3},
            "keep_alive": "1m",
        },
        id="system and options",
    ),
    pytest.param(
        {
            "messages": [
                Message(
                    role="user",
                    content=[
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                    ],
                )
            ]
        },
        {"messages": [{"role": "user", "content": "What is it?", "images": [PIXEL]}]},
        id="image",
    ),
    pytest.param(
        {
            "messages": [
                Message(role="user", content="Hi"),
                Message(
                    role="assistant",
                    content="",
                    tool_calls=[tool_call("x", "get_weather", '{"city":"Rome"}')],
                    metadata={"native": {"provider": "ollama", "replay": [{"thinking": "Rome."}]}},
                ),
                Message(role="tool", content="12 °C", tool_call_id="x"),
            ],
            "tools": [WEATHER],
            "reasoning_effort": "high",
        },
        {
            "messages": [
                *HI,
                {
                    "role": "assistant",
                    "content": "",
                    "thinking": "Rome.",
                    "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Rome"}}}],
                },
                {"role": "tool", "content": "12 °C", "tool_name": "get_weather"},
            ],
            "tools": [{"type": "function", "function": WEATHER}],
            "think": "high",
        },
        id="tools and thinking",
    ),
    pytest.param(
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
        {"messages": HI, "format": SCHEMA},
        id="schema",
    ),
]


async def sdk_exchange(
    given: dict[str, Any], answer: bytes, *, stream: bool
) -> tuple[dict[str, Any], list[ollama.ChatResponse]]:
    """Return what the SDK sends and what it reads."""
    sent: list[bytes] = []

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, content=answer)

    client = ollama.AsyncClient(host="http://x", transport=httpx.MockTransport(reply))
    async with client:
        if stream:
            parts = [part async for part in await client.chat("qwen3:4b", **given, stream=True)]
        else:
            parts = [await client.chat("qwen3:4b", **given)]
    return json.loads(sent[0]), parts


def as_the_sdk_writes(body: dict[str, Any]) -> dict[str, Any]:
    """The SDK knows neither ids of calls (servers since 0.12 do) nor their type; empty text it leaves out."""
    for message in body["messages"]:
        if not message.get("content"):
            message.pop("content", None)
        message.pop("tool_call_id", None)
        for call in message.get("tool_calls", ()):
            call.pop("id", None)
            call.pop("type", None)
    if not body["tools"]:
        del body["tools"]
    return body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("neutral", "vendor"), ROWS)
async def test_both_put_the_same_on_the_wire(
    neutral: dict[str, Any], vendor: dict[str, Any], stream: bool, call_with: Callable[..., ChatCall]
) -> None:
    done = b'{"message":{"role":"assistant","content":""},"done":true}\n'
    body, _ = await sdk_exchange(vendor, done, stream=stream)
    ours = json.loads(OllamaAdapter().encode(call_with(**neutral), stream=stream).body)
    assert as_the_sdk_writes({"tools": [], **ours}) == as_the_sdk_writes(body)


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("0fff0586a94b", False),
        ("f2686acc93ba", False),
        ("d78564bff9e0", False),
        ("f31c15361fd1", False),
        ("6e0632c2626e", True),
        ("f110196649db", True),
        ("efe68c22b9d2", True),
    ],
)
async def test_both_read_the_same_answer(
    name: str, stream: bool, recorded: Callable[[str], bytes], call: ChatCall
) -> None:
    _, parts = await sdk_exchange({"messages": HI}, recorded(name), stream=stream)
    ours = OllamaAdapter().decode(recorded(name), call, OllamaAdapter().encode(call, stream=False))
    assert ours.content == "".join(part.message.content or "" for part in parts)
    assert (ours.reasoning or "") == "".join(part.message.thinking or "" for part in parts)
    assert [(one["function"]["name"], json.loads(one["function"]["arguments"])) for one in ours.tool_calls or ()] == [
        (one.function.name, one.function.arguments) for part in parts for one in part.message.tool_calls or ()
    ]  # fmt: skip
    usage = ours.usage or {}
    last = parts[-1]
    assert ours.provider_finish_reason == last.done_reason
    assert (usage.get("prompt_tokens"), usage.get("completion_tokens")) == (
        last.prompt_eval_count,
        last.eval_count,
    )
