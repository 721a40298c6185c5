"""No parameter can vanish: whatever a request sets is sent, or told in the warnings, by every adapter."""

from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall, WireRequest
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.bedrock import BedrockAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

TARGETS: dict[str, tuple[Adapter, str, dict[str, Any]]] = {
    "openai": (OpenAIAdapter(), "openai:gpt-4o", {}),
    "openai, reasoning": (OpenAIAdapter(), "openai:o3", {}),
    "another host": (OpenAIAdapter(), "openai:llama-3", {}),
    "responses": (OpenAIAdapter(), "openai:gpt-5", {"api": "responses"}),
    "anthropic": (AnthropicAdapter(), "anthropic:claude-haiku-4-5", {}),
    "anthropic, adaptive": (AnthropicAdapter(), "anthropic:claude-opus-4-8", {}),
    "anthropic, old": (AnthropicAdapter(), "anthropic:claude-3-5-haiku-latest", {}),
    "google": (GoogleAdapter(), "google:gemini-3-flash", {}),
    "google, old": (GoogleAdapter(), "google:gemini-2.0-flash", {}),
    "ollama": (OllamaAdapter(), "ollama:llama3.2", {}),
    "bedrock": (BedrockAdapter(), "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0", {}),
    "bedrock, nova": (BedrockAdapter(), "bedrock:amazon.nova-2-lite-v1:0", {}),
    "bedrock, titan": (BedrockAdapter(), "bedrock:amazon.titan-text-express-v1", {}),
    "bedrock, a profile": (
        BedrockAdapter(),
        "bedrock:arn:aws:bedrock:us-east-1:1:application-inference-profile/a",
        {},
    ),
}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
TOOLS = {"tools": [{"name": "f", "description": "d", "parameters": SCHEMA}]}
VALUES: dict[str, list[tuple[dict[str, Any], Any]]] = {
    "messages": [({}, [Message(role="user", content="another")])],
    "temperature": [({}, 0.3), ({}, 0.0), ({}, 1.7)],
    "max_tokens": [({}, 77)],
    "reasoning_tokens": [({}, 2048), ({"max_tokens": 9000}, 2048)],
    "response_format": [
        ({}, {"type": "json_object"}),
        ({}, {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}),
    ],
    "tools": [({}, TOOLS["tools"]), ({}, [{"name": "f"}])],
    "tool_choice": [(TOOLS, "required"), (TOOLS, "none"), (TOOLS, "f"), ({}, "required")],
    "cache": [({}, {"type": "ephemeral"}), ({}, {"key": "k"}), ({}, {"cached_content": "c"})],
    "json_response": [({}, True)],
    "extra_params": [({}, {name: value}) for name, value in {"seed": 5, "top_p": 0.5, "stop": ["x"], "user": "u", "parallel_tool_calls": False, "unheard_of": 1}.items()],
    "reasoning_effort": [({}, effort) for effort in ("minimal", "low", "medium", "high", "xhigh", "max")],
}  # fmt: skip
"""For each field: what else the request has, and a value."""
NOT_FOR_PROVIDERS = {
    "model": "says what is called, which the call has resolved",
    "metadata": "is the user's own, and is never sent",
    "timeout": "is kept by who waits",
    "files": "is turned into parts of a message by the ring",
    "max_response_bytes": "is kept by the transport",
}
MESSAGE_VALUES: dict[str, Message] = {
    "role": Message(role="assistant", content="x"),
    "content": Message(role="user", content="y"),
    "tool_calls": Message(role="assistant", content="x", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]),
    "tool_call_id": Message(role="tool", content="x", tool_call_id="c9"),
    "name": Message(role="user", content="x", name="alice"),
    "metadata": Message(role="user", content="x", metadata={"cache_control": {"type": "ephemeral"}}),
}  # fmt: skip
KEPT_FROM_PROVIDERS = {"timestamp"}


def encoded(target: str, **fields: Any) -> WireRequest | str:
    adapter, ref, extra = TARGETS[target]
    fields["extra_params"] = {**extra, **fields.get("extra_params", {})}
    fields.setdefault("messages", [Message(role="user", content="x")])
    try:
        return adapter.encode(ChatCall(LLMRequest(**fields), ModelRef.parse(ref)), stream=False)
    except UnsupportedContentError as error:
        return str(error)


def test_every_field_is_in_the_table() -> None:
    assert set(LLMRequest.__struct_fields__) == VALUES.keys() | NOT_FOR_PROVIDERS.keys()
    assert set(Message.__struct_fields__) == MESSAGE_VALUES.keys() | KEPT_FROM_PROVIDERS


@pytest.mark.parametrize("field", VALUES)
@pytest.mark.parametrize("target", TARGETS)
def test_a_parameter_is_sent_or_told(target: str, field: str) -> None:
    for rest, value in VALUES[field]:
        assert encoded(target, **rest, **{field: value}) != encoded(target, **rest), value


@pytest.mark.parametrize("field", MESSAGE_VALUES)
@pytest.mark.parametrize("target", TARGETS)
def test_a_field_of_a_message_is_sent_or_told(target: str, field: str) -> None:
    message = MESSAGE_VALUES[field]
    default = {"role": "user", "content": "x"}.get(field)
    before = msgspec.structs.replace(message, **{field: default})
    talk = [Message(role="user", content="x")]
    assert encoded(target, messages=[*talk, message]) != encoded(target, messages=[*talk, before])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("-inf")]])
def test_a_number_that_json_has_not_is_refused(target: str, value: Any) -> None:
    told = encoded(target, extra_params={"unheard_of": value})
    assert isinstance(told, str)
    assert "infinity" in told
