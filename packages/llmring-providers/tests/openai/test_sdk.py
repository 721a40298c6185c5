"""The same scenario through the vendor's SDK and through the adapter: one wire, one answer."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from llmring_providers import ChatCall
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.openai.provider import build_client
from llmring_types import LLMResponse, Message, collect, tool_call

CallWith = Callable[..., ChatCall]
Recorded = Callable[[str], bytes]
ADAPTER = OpenAIAdapter()
HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "Says it.", "parameters": SCHEMA}
CALL = tool_call("call_1", "weather", '{"city":"Oslo"}')
IMAGE = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}}
DATA = "data:application/pdf;base64,QQ=="
TURNS = [
    Message(role="system", content="Be brief."),
    Message(role="user", content="Hi"),
    Message(role="assistant", content=None, tool_calls=[CALL]),
    Message(role="tool", content="12 °C", tool_call_id="call_1"),
]


def client_of(answer: bytes, sent: list[bytes], content_type: str = "application/json") -> openai.AsyncOpenAI:
    """Return the SDK's client over a transport that answers with these bytes."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return httpx2.Response(200, content=answer, headers={"content-type": content_type})

    transport = httpx2.MockTransport(reply)
    return openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=transport))


CHAT: list[Any] = [
    pytest.param("gpt-4o", {}, {"messages": HI}, id="plain"),
    pytest.param(
        "o3",
        {
            "messages": TURNS,
            "tools": [WEATHER],
            "tool_choice": "weather",
            "max_tokens": 9,
            "reasoning_effort": "low",
        },
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                *HI,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "content": "12 °C", "tool_call_id": "call_1"},
            ],
            "tools": [{"type": "function", "function": WEATHER}],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "max_completion_tokens": 2009,
            "reasoning_effort": "low",
        },
        id="tools and reasoning",
    ),
    pytest.param(
        "gpt-4o",
        {
            "messages": [Message(role="user", content=[IMAGE, PDF])],
            "temperature": 0.5,
            "max_tokens": 9,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            "extra_params": {"seed": 3},
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        IMAGE,
                        {"type": "file", "file": {"filename": "document.pdf", "file_data": DATA}},
                    ],
                }
            ],
            "temperature": 0.5,
            "max_tokens": 9,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            "seed": 3,
        },
        id="parts and schema",
    ),
]
RESPONSES: list[Any] = [
    pytest.param("gpt-4o", {}, {"input": HI}, id="plain"),
    pytest.param(
        "o3",
        {
            "messages": TURNS,
            "tools": [WEATHER],
            "tool_choice": "weather",
            "max_tokens": 9,
            "reasoning_effort": "low",
        },
        {
            "input": [
                {"role": "system", "content": "Be brief."},
                *HI,
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city":"Oslo"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "12 °C"},
            ],
            "tools": [{"type": "function", "strict": False, **WEATHER}],
            "tool_choice": {"type": "function", "name": "weather"},
            "max_output_tokens": 2009,
            "reasoning": {"effort": "low"},
            "include": ["reasoning.encrypted_content"],
        },
        id="tools and reasoning",
    ),
    pytest.param(
        "gpt-4o",
        {
            "messages": [Message(role="user", content=[IMAGE, PDF])],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
        },
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_image", "image_url": "https://a/b.png", "detail": "auto"},
                        {"type": "input_file", "filename": "document.pdf", "file_data": DATA},
                    ],
                }
            ],
            "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": False}},
        },
        id="parts and schema",
    ),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "neutral", "vendor"), CHAT)
async def test_both_put_the_same_chat_on_the_wire(
    model: str, neutral: dict[str, Any], vendor: dict[str, Any], stream: bool, call_with: CallWith
) -> None:
    sent: list[bytes] = []
    options: Any = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    async with client_of(b"{}", sent) as client:
        await client.chat.completions.create(model=model, **vendor, **options)
    ours = ADAPTER.encode(call_with(model, **neutral), stream=stream)
    assert json.loads(ours.body) == json.loads(sent[0])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "neutral", "vendor"), RESPONSES)
async def test_both_put_the_same_response_on_the_wire(
    model: str, neutral: dict[str, Any], vendor: dict[str, Any], stream: bool, call_with: CallWith
) -> None:
    sent: list[bytes] = []
    options: Any = {"stream": True} if stream else {}
    async with client_of(b"{}", sent) as client:
        await client.responses.create(model=model, store=False, **vendor, **options)
    neutral = {**neutral, "extra_params": {"api": "responses"}}
    ours = ADAPTER.encode(call_with(model, **neutral), stream=stream)
    assert json.loads(ours.body) == json.loads(sent[0])


def read_by_us(body: bytes, call: ChatCall, *, stream: bool) -> LLMResponse:
    wire = ADAPTER.encode(call, stream=stream)
    if not stream:
        return ADAPTER.decode(body, call, wire)
    decoder = ADAPTER.stream_decoder(call, wire)
    chunks = decoder.feed(body)
    return collect(chunks if decoder.done else chunks + decoder.close())


@pytest.mark.parametrize(
    "name",
    [
        "chat-267f7e28c964",
        "chat-5c2d925c4806",
        "chat-cc02266ff824",
        "stream chat-719bb4845c78",
        "stream chat-a2fe8364f761",
        "stream chat-ad72f565a21a",
        "stream chat-fe4062d8c818",
    ],
)
async def test_both_read_the_same_completion(name: str, recorded: Recorded, call: ChatCall) -> None:
    kind, _, recording = name.rpartition(" ")
    body = recorded(recording)
    if kind:
        async with (
            client_of(body, [], "text/event-stream") as client,
            client.chat.completions.stream(model="m", messages=[]) as events,
        ):
            theirs: Any = await events.get_final_completion()
    else:
        async with client_of(body, []) as client:
            theirs = await client.chat.completions.create(model="m", messages=[])
    ours = read_by_us(body, call, stream=bool(kind))
    choice, usage = theirs.choices[0], ours.usage or {}
    assert ours.content == (choice.message.content or choice.message.refusal or "")
    assert ours.refusal == choice.message.refusal
    assert ours.provider_finish_reason == choice.finish_reason
    assert [
        (made["id"], made["function"]["name"], made["function"]["arguments"])
        for made in ours.tool_calls or ()
    ] == [(made.id, made.function.name, made.function.arguments) for made in choice.message.tool_calls or ()]
    assert (ours.response_id, ours.provider_model) == (theirs.id, theirs.model)
    assert (usage.get("prompt_tokens"), usage.get("completion_tokens"), usage.get("total_tokens")) == (
        theirs.usage.prompt_tokens,
        theirs.usage.completion_tokens,
        theirs.usage.total_tokens,
    )


@pytest.mark.parametrize(
    "name",
    [
        "responses-6109a1ad418f",
        "responses-85d22c0cdb41",
        "responses-ab4618480f8a",
        "responses-d8c4a7fb3a77",
        "stream responses-39bb7f2064ef",
        "stream responses-56f1be5526de",
        "stream responses-e775855fd308",
    ],
)
async def test_both_read_the_same_response(name: str, recorded: Recorded, call_with: CallWith) -> None:
    kind, _, recording = name.rpartition(" ")
    body = recorded(recording)
    if kind:
        async with (
            client_of(body, [], "text/event-stream") as client,
            client.responses.stream(model="m", input="Hi") as events,
        ):
            theirs: Any = await events.get_final_response()
    else:
        async with client_of(body, []) as client:
            theirs = await client.responses.create(model="m", input="Hi")
    ours = read_by_us(body, call_with(extra_params={"api": "responses"}), stream=bool(kind))
    usage = ours.usage or {}
    assert ours.content == theirs.output_text + (ours.refusal or "")
    assert [
        (made["id"], made["function"]["name"], made["function"]["arguments"])
        for made in ours.tool_calls or ()
    ] == [(item.call_id, item.name, item.arguments) for item in theirs.output if item.type == "function_call"]
    assert (ours.response_id, ours.provider_model) == (theirs.id, theirs.model)
    assert (usage.get("prompt_tokens"), usage.get("completion_tokens"), usage.get("reasoning_tokens")) == (
        theirs.usage.input_tokens,
        theirs.usage.output_tokens,
        theirs.usage.output_tokens_details.reasoning_tokens,
    )


def test_a_host_without_a_key_gets_a_client_that_takes_no_other_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    client = build_client(api_key="", base_url="http://127.0.0.1:1/v1")
    assert "sk-of-openai" not in str(client.auth_headers)
    monkeypatch.delenv("OPENAI_API_KEY")
    assert build_client(api_key="", base_url="http://127.0.0.1:1/v1").api_key
