"""The same scenario through the vendor's SDK and through the adapter: one wire, one answer."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import types
from llmring_providers import ChatCall, WireRequest
from llmring_providers.google import GoogleAdapter
from llmring_providers.google.tools import camel
from llmring_types import LLMResponse, Message, collect, tool_call

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
PIXEL = "iVBORw0KGgo="
HI = {"role": "user", "parts": [{"text": "Hi"}]}
SIGNED = {"functionCall": {"name": "f", "args": {"a": 1}, "id": "1"}, "thoughtSignature": "c2ln"}

ROWS: list[Any] = [
    pytest.param({}, {"contents": [HI]}, id="plain"),
    pytest.param(
        {
            "messages": [
                Message(role="system", content="Be brief."),
                Message(role="system", content="Be kind."),
                Message(role="user", content="Hi"),
            ],
            "temperature": 0.5,
            "max_tokens": 9,
            "extra_params": {"top_p": 0.9, "seed": 3, "stop_sequences": ["x"]},
        },
        {
            "contents": [HI],
            "config": {
                "system_instruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
                "temperature": 0.5,
                "max_output_tokens": 9,
                "top_p": 0.9,
                "seed": 3,
                "stop_sequences": ["x"],
            },
        },
        id="system and settings",
    ),
    pytest.param(
        {
            "messages": [
                Message(
                    role="user",
                    content=[
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                        {"type": "document", "source": {"type": "url", "url": "https://x.org/a.pdf"}},
                    ],
                )
            ]
        },
        {
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "What is it?"},
                        {"inline_data": {"mime_type": "image/png", "data": PIXEL}},
                        {"file_data": {"file_uri": "https://x.org/a.pdf", "mime_type": "application/pdf"}},
                    ],
                }
            ]
        },
        id="media",
    ),
    pytest.param(
        {
            "messages": [
                Message(role="user", content="Hi"),
                Message(
                    role="assistant",
                    content="",
                    tool_calls=[tool_call("1", "f", '{"a":1}')],
                    metadata={"native": {"provider": "google", "replay": [SIGNED]}},
                ),
                Message(role="tool", content="12", tool_call_id="1"),
            ],
            "tools": [{"name": "f", "description": "F", "parameters": SCHEMA}, {"type": "google_search"}],
            "tool_choice": "f",
        },
        {
            "contents": [
                HI,
                {"role": "model", "parts": [SIGNED]},
                {
                    "role": "user",
                    "parts": [{"function_response": {"name": "f", "id": "1", "response": {"output": "12"}}}],
                },
            ],
            "config": {
                "tools": [
                    {"google_search": {}},
                    {
                        "function_declarations": [
                            {"name": "f", "description": "F", "parameters_json_schema": SCHEMA}
                        ]
                    },
                ],
                "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
            },
        },
        id="tools",
    ),
    pytest.param(
        {
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            "reasoning_tokens": 1000,
        },
        {
            "contents": [HI],
            "config": {
                "response_mime_type": "application/json",
                "response_json_schema": SCHEMA,
                "thinking_config": {"thinking_budget": 1000, "include_thoughts": True},
            },
        },
        id="schema and thinking",
    ),
]


@contextmanager
def sdk(answer: bytes) -> Iterator[tuple[genai.Client, list[httpx2.Request]]]:
    """The SDK in front of a server that always gives this answer."""
    sent: list[httpx2.Request] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, content=answer, headers={"content-type": "application/json"})

    http = httpx2.Client(transport=httpx2.MockTransport(reply))
    options = types.HttpOptions(api_version="v1beta", httpx_client=http)
    with http, genai.Client(api_key="k", vertexai=False, http_options=options) as client:
        yield client, sent


def in_camel_case(value: Any) -> Any:
    """The SDK leaves the names of nested dicts as they were given; the API reads both spellings."""
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    if isinstance(value, dict):
        return {camel(name): in_camel_case(item) for name, item in value.items()}
    return value


ANSWER = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP"}]}'


@pytest.mark.parametrize(("neutral", "vendor"), ROWS)
def test_both_put_the_same_on_the_wire(
    neutral: dict[str, Any], vendor: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    with sdk(ANSWER) as (client, sent):
        client.models.generate_content(model="gemini-2.5-flash", **vendor)
    wire = GoogleAdapter().encode(call_with(**neutral), stream=False)
    assert sent[0].url.path == f"/v1beta{wire.path}"
    assert sent[0].headers["x-goog-api-key"] == "k"
    body = in_camel_case(json.loads(sent[0].content))
    if not body.get("generationConfig"):
        body.pop("generationConfig", None)
    assert json.loads(wire.body) == body


WHOLE = [
    "0bfea4f031ee",
    "ed6edb97f7ff",
    "b412682ef4c8",
    "95d8f7110046",
    "d2a224c0b59d",
    "8484ae234d91",
    "ccf678c6aab5",
]


@pytest.mark.parametrize("name", WHOLE)
def test_both_read_the_same_answer(
    name: str, recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    with sdk(recorded(name)) as (client, _):
        theirs = client.models.generate_content(model="gemini-2.5-flash", contents="Hi")
    assert_same(GoogleAdapter().decode(recorded(name), call, wire), [theirs])


@pytest.mark.parametrize("name", ["eb3fa012a0db", "6fc6a1f90f3c", "77a30b660c62"])
def test_both_read_the_same_stream(
    name: str, recorded: Callable[[str], bytes], call: ChatCall, wire: WireRequest
) -> None:
    with sdk(recorded(name)) as (client, sent):
        theirs = list(client.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi"))
    path = GoogleAdapter().encode(call, stream=True).path
    assert sent[0].url.raw_path.decode() == f"/v1beta{path}"
    decoder = GoogleAdapter().stream_decoder(call, wire)
    assert_same(collect([*decoder.feed(recorded(name)), *decoder.close()]), theirs)


def assert_same(ours: LLMResponse, theirs: list[types.GenerateContentResponse]) -> None:
    last, usage = theirs[-1], ours.usage or {}
    parts = [
        part
        for each in theirs
        for candidate in each.candidates or ()
        for part in (candidate.content.parts if candidate.content else None) or ()
    ]
    assert ours.content == "".join(part.text or "" for part in parts if not part.thought)
    assert (ours.reasoning or "") == "".join(part.text or "" for part in parts if part.thought)
    calls = [part.function_call for part in parts if part.function_call]
    assert [(made["function"]["name"], json.loads(made["function"]["arguments"])) for made in ours.tool_calls or ()] == [
        (made.name, made.args or {}) for made in calls
    ]  # fmt: skip
    assert all(made.id in (None, mine["id"]) for made, mine in zip(calls, ours.tool_calls or (), strict=True))
    assert last.candidates
    assert last.candidates[0].finish_reason is not None
    assert ours.provider_finish_reason == last.candidates[0].finish_reason.value
    assert (ours.response_id, ours.provider_model) == (last.response_id, last.model_version)
    counts = last.usage_metadata
    assert counts is not None
    assert usage.get("prompt_tokens") == (counts.prompt_token_count or 0) + (
        counts.tool_use_prompt_token_count or 0
    )
    assert usage.get("completion_tokens") == (counts.candidates_token_count or 0) + (
        counts.thoughts_token_count or 0
    )
    assert usage.get("total_tokens") == counts.total_token_count
    assert usage.get("cache_read_input_tokens") == counts.cached_content_token_count
    assert usage.get("reasoning_tokens") == counts.thoughts_token_count
