"""The vendors' rules, held against recorded requests, and every request that we write against the rules."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import validators
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.bedrock import BedrockAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import LLMRingError
from validators import holding, openai_chat

RECORDINGS = Path(__file__).parent / "recordings"


def recorded() -> Iterator[Any]:
    for file in sorted(
        RECORDINGS.glob("*/*.json")
    ):  # one exchange each; those of many hosts lie beside the folders
        found = json.loads(file.read_text())
        request = found.get("request") or {}
        taken = found["response"]["status"] < 300
        if taken and isinstance(request.get("json"), dict) and "compat" not in file.name:
            yield pytest.param(request["path"], request["json"], id=file.stem)


@pytest.mark.parametrize(("path", "body"), list(recorded()))
def test_what_a_vendor_took_is_not_refused_here(path: str, body: dict[str, Any]) -> None:
    assert validators.refusals(path, body) == []


SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "recordings"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared beside the repository")
def test_what_a_vendor_took_of_every_recording_is_not_refused_here() -> None:
    refused: dict[str, list[str]] = {}
    for file in sorted(SHARED.rglob("*.json")):
        found = json.loads(file.read_text())
        request = found.get("request") or {}
        taken = found["response"]["status"] < 300 and "compat" not in file.name
        body = request.get("json") if taken else None
        if isinstance(body, dict) and (why := validators.refusals(request["path"], body)):
            refused[file.name] = why
    assert refused == {}


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
OBJECT = {"type": "object", "properties": {}}
REFUSED = [
    pytest.param("/chat/completions", {"model": "o3", "reasoning_effort": "none"}, "no effort", id="effort"),
    pytest.param("/chat/completions", {"model": "gpt-5", "temperature": 0.5}, "no temperature", id="temperature"),
    pytest.param("/chat/completions", {"tools": [FUNCTION]}, "no properties", id="parameters"),
    pytest.param("/chat/completions", {"model": "gpt-5.6", "tools": [FUNCTION]}, "no functions", id="functions"),
    pytest.param("/responses", {"max_tokens": 1}, "of chat completions", id="names of chat"),
    pytest.param("/responses", {"temperature": -1}, "within 0 and 2", id="negative"),
    pytest.param("/responses", {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": OBJECT}}}, "open", id="open"),
    pytest.param("/v1/messages", {"model": "claude-opus-4-6", "output_config": {"effort": "xhigh"}}, "no effort", id="xhigh"),
    pytest.param("/v1/messages", {"tools": [{"name": "f", "input_schema": {}}]}, "of type None", id="no type"),
    pytest.param("/v1/messages", {"tools": [{"name": f"f{i}", "strict": True, "input_schema": OBJECT | {"additionalProperties": False}} for i in range(21)]}, "Too many strict", id="21"),
    pytest.param("/v1/messages", {"temperature": 1.5}, "range: 0..1", id="hot"),
    pytest.param("/models/gemini-3-pro:generateContent", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "minimal"}}}, "no level", id="level"),
    pytest.param("/publishers/google/models/m:generateContent", {"contents": [{"parts": [{"text": ""}]}]}, "empty text", id="empty"),
    pytest.param("/api/chat", {"format": "xml"}, "invalid format", id="format"),
    pytest.param("/model/m/converse", {"messages": [{"role": "user", "content": []}]}, "is empty", id="no content"),
    pytest.param("/model/m/converse", {"messages": [{"role": "user", "content": [{"text": "a"}]}] * 2}, "alternate", id="turns"),
    pytest.param("/model/m/converse", {"inferenceConfig": {"maxTokens": 0}, "messages": []}, "maxTokens", id="shape"),
    pytest.param("/model/m/converse-stream", {"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "start with a user", id="first"),
    pytest.param("/api/chat", {"tools": [{"function": {"parameters": {"type": ["object"]}}}]}, "a tool", id="type list"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "why"), REFUSED)
def test_what_a_vendor_refuses_is_found(path: str, body: dict[str, Any], why: str) -> None:
    filled = {
        "messages": [{"role": "user", "content": "Hi"}],
        "contents": [{"parts": [{"text": "Hi"}]}],
    } | body
    if path == "/responses":
        filled = {"input": "Hi"} | body
    assert any(why in found for found in validators.refusals(path, filled))


ADAPTERS: dict[str, Adapter] = {
    "anthropic": AnthropicAdapter(),
    "bedrock": BedrockAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
    "openai": OpenAIAdapter(),
}
MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-3.5-turbo"),
    ("openai", "o3"),
    ("openai", "gpt-5.2"),
    ("openai", "gpt-5.6-sol"),
    ("openai", "llama"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-opus-5"),
    ("google", "gemini-2.5-flash"),
    ("google", "gemini-3-pro-preview"),
    ("google", "publishers/google/models/gemini-2.5-pro"),
    ("ollama", "gpt-oss:20b"),
    ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("bedrock", "anthropic.claude-opus-4-8"),
    ("bedrock", "amazon.nova-2-lite-v1:0"),
    ("bedrock", "amazon.titan-text-express-v1"),
    ("bedrock", "meta.llama3-1-70b-instruct-v1:0"),
    ("bedrock", "mistral.mistral-large-2407-v1:0"),
    ("bedrock", "openai.gpt-oss-120b-1:0"),
    ("bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"),
]


@pytest.mark.parametrize("host", [None, "127.0.0.1:8080", "localhost", *holding.VENDORS])
@pytest.mark.parametrize("provider", ADAPTERS)
def test_what_an_adapter_writes_for_its_vendor_is_held_in_every_test(
    provider: str, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: str, body: dict[str, Any], *, given: Any = ()) -> list[str]:
        return ["never"]

    monkeypatch.setattr(holding, "refusals", refused)
    request = LLMRequest([Message(role="user", content="x")])
    with pytest.raises(AssertionError, match="never"):
        ADAPTERS[provider].encode(ChatCall(request, ModelRef(provider, "m"), host=host), stream=False)
    elsewhere = ChatCall(request, ModelRef(provider, "m"), host="gateway.example")
    assert ADAPTERS[provider].encode(elsewhere, stream=False).body


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}
TEXTS = st.sampled_from(["", " ", "Hi", "As JSON"])
PARTS = st.lists(
    TEXTS.map(lambda text: {"type": "text", "text": text}) | st.sampled_from([IMAGE, PDF]), max_size=3
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["c1", "call.2", "é" * 50, ""]),
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": st.sampled_from(["f", "a.b/c", "x" * 80]), "arguments": st.sampled_from(["{}", '{"a":1}', ""])}
            ),
        }
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda call: str(call["id"]),
)  # fmt: skip
TURNS = st.one_of(
    st.builds(lambda text: [Message(role="system", content=text)], TEXTS | PARTS),
    st.builds(lambda content: [Message(role="user", content=content)], TEXTS | PARTS),
    st.builds(lambda content: [Message(role="assistant", content=content)], TEXTS | PARTS),
    st.builds(
        lambda calls, content: [
            Message(role="assistant", content=None, tool_calls=calls),
            *(Message(role="tool", tool_call_id=call["id"], content=content) for call in calls),
        ],
        CALLS,
        TEXTS | PARTS,
    ),
)
TALKS = st.lists(TURNS, min_size=1, max_size=4).map(lambda turns: [each for turn in turns for each in turn])
SCHEMAS = st.sampled_from(
    [
        {},
        {"type": "object"},
        {"properties": {"a": {"type": "string", "pattern": "(?=x)", "minLength": 2}}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"k": {"type": "array", "items": {"$ref": "#"}}}, "required": ["k"]},
        {"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "string"}]},
        {"type": "array", "items": [{"const": 1}, {"enum": ["a", None]}]},
        {"type": "object", "properties": {"a b": {"$ref": "#/definitions/x", "default": 1}}, "definitions": {"x": {}}},
    ]
)  # fmt: skip
TOOLS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["f", "g.h", "y" * 70])},
        optional={"parameters": SCHEMAS, "strict": st.booleans()},
    ),
    max_size=2,
    unique_by=lambda tool: str(tool["name"]),
)
FORMATS = st.none() | st.builds(
    lambda schema, strict: {
        "type": "json_schema",
        "json_schema": {"name": "a b", "schema": schema, "strict": strict},
    },
    SCHEMAS,
    st.booleans(),
)
EFFORTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "none", "minimal", "low", "medium", "high", "xhigh", "max"]
)


@given(
    st.sampled_from(MODELS),
    TALKS,
    TOOLS,
    FORMATS,
    EFFORTS,
    st.sampled_from([None, 0.0, 1.0, 1.7]),
    st.sampled_from([None, 50, 5000]),
    st.sampled_from([None, 10, 4000]),
)
@settings(max_examples=300, deadline=None)
def test_any_request_is_one_that_the_vendor_takes_or_an_error_of_ours(
    target: tuple[str, str],
    messages: list[Message],
    tools: list[dict[str, Any]],
    wanted: dict[str, Any] | None,
    effort: Any,
    temperature: float | None,
    limit: int | None,
    budget: int | None,
) -> None:
    provider, model = target
    request = LLMRequest(
        messages,
        tools=tools or None,
        response_format=wanted,
        reasoning_effort=effort,
        temperature=temperature,
        max_tokens=limit,
        reasoning_tokens=budget,
    )
    call = ChatCall(request, ModelRef(provider, model))
    try:
        wire = ADAPTERS[provider].encode(call, stream=False)
    except LLMRingError:
        return
    assert holding.held(call, wire) == []
    if wire.path == "/chat/completions":
        for message in json.loads(wire.body)["messages"]:
            assert list(openai_chat.by_type(message)) == []
