"""Requests that our adapters write, as a host reads them."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hosted import SIDES
from hosted_requests import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_providers.hosting import ProtocolName
from llmring_types import LLMRequest, Message
from msgspec.structs import replace

PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
MODELS = {
    "anthropic": "claude-sonnet-4-6",
    "bedrock": "us.anthropic.claude-sonnet-4-6",
    "gemini": "gemini-2.5-flash",
}
"""Names of models where rules for models would change a request of an unknown one."""
enough = settings(max_examples=60, deadline=None)


def _without_names(request: LLMRequest) -> LLMRequest:
    messages = [
        replace(message, name=None) if message.role == "tool" else message for message in request.messages
    ]
    return replace(request, messages=messages)


def _with_open_tools(request: LLMRequest) -> LLMRequest:
    tools = json.loads(json.dumps(request.tools))
    for tool in tools or ():
        tool["function"]["parameters"].pop("additionalProperties", None)
    return replace(request, tools=tools)


def _with_tools_for_calls(request: LLMRequest) -> LLMRequest:
    offered = None if request.tool_choice == "none" else request.tools
    called = dict.fromkeys(
        made["function"]["name"] for each in request.messages for made in each.tool_calls or ()
    )
    again = [{"type": "function", "function": {"name": name, "parameters": ANYTHING}} for name in called]
    choice = request.tool_choice if offered else None
    return replace(_without_names(request), tools=offered or again or None, tool_choice=choice)


ANYTHING = {"type": "object", "properties": {}}
LOSSES: list[tuple[str, str, Callable[[LLMRequest], LLMRequest]]] = [
    ("openai_chat", "a result names its call alone", _without_names),
    ("openai_responses", "a result names its call alone", _without_names),
    ("anthropic", "a result names its call alone", _without_names),
    ("bedrock", "calls need functions, and none is forbidden but by leaving it out", _with_tools_for_calls),
    ("ollama", "a schema of a tool says nothing of other properties", _with_open_tools),
]
"""What a protocol has no place for: protocol, loss, and what is left of a request."""


def left_of(request: LLMRequest, protocol: str) -> LLMRequest:
    for where, _, left in LOSSES:
        if where == protocol:
            request = left(request)
    return request


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
@enough
@given(data=st.data())
def test_a_request_is_read_as_it_was_written(
    protocol: ProtocolName, stream: bool, data: st.DataObject
) -> None:
    sides, model = SIDES[protocol], MODELS.get(protocol, "m")
    request = data.draw(requests(protocol))
    wire = sides.encode(request, model, stream=stream)
    read = sides.read(wire)

    assert (read.stream, read.unread) == (stream, ())
    assert read.request == replace(left_of(request, protocol), model=model)
    assert json.loads(sides.encode(read.request, model, stream=stream).body) == json.loads(wire.body)


REASONING: list[tuple[ProtocolName, str, dict[str, Any]]] = [
    ("openai_chat", "o3", {"reasoning_effort": "low"}),
    ("openai_chat", "gpt-5.4", {"reasoning_effort": "none", "max_tokens": 100}),
    ("openai_responses", "o3", {"reasoning_effort": "high"}),
    ("anthropic", "claude-sonnet-4-5", {"reasoning_tokens": 2048, "max_tokens": 1000}),
    ("anthropic", "claude-opus-4-6", {"reasoning_effort": "medium", "max_tokens": 1000}),
    ("bedrock", "us.anthropic.claude-sonnet-4-5", {"reasoning_tokens": 2048, "max_tokens": 1000}),
    ("bedrock", "us.anthropic.claude-opus-4-6", {"reasoning_effort": "medium", "max_tokens": 1000}),
    ("bedrock", "amazon.nova-2-lite-v1:0", {"reasoning_effort": "low", "max_tokens": 1000}),
    ("bedrock", "openai.gpt-oss-120b-1:0", {"reasoning_effort": "high", "max_tokens": 1000}),
    ("bedrock", "qwen.qwen3-32b-v1:0", {"reasoning_effort": "low"}),
    ("gemini", "gemini-2.5-flash", {"reasoning_tokens": 1024, "max_tokens": 1000}),
    ("gemini", "gemini-2.5-flash", {"reasoning_effort": "none", "max_tokens": 1000}),
    ("gemini", "gemini-3-flash-preview", {"reasoning_effort": "low", "max_tokens": 1000}),
    ("ollama", "gpt-oss:20b", {"reasoning_effort": "high", "max_tokens": 1000}),
    ("ollama", "qwen3", {"reasoning_effort": "none"}),
]
"""What a request asks of reasoning, and a model that takes it."""


@pytest.mark.parametrize(("protocol", "model", "asked"), REASONING)
def test_wishes_for_reasoning_are_read_as_they_were_written(
    protocol: ProtocolName, model: str, asked: dict[str, Any]
) -> None:
    request = LLMRequest([Message(role="user", content="Hi")], **asked)

    assert SIDES[protocol].read(SIDES[protocol].encode(request, model)).request == replace(
        request, model=model
    )
