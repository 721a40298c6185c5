"""Combinations of what a request may have: each is valid by its vendor's rules, or refused with our typed error."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.ours import ADAPTERS
from llmring_providers import ChatCall
from llmring_providers._fit.models import EFFORTS
from llmring_types import LLMRequest, Message, ModelRef, tool_call
from llmring_types.exceptions import UnsupportedContentError

MODELS = [
    *(f"openai:{name}" for name in (
        "gpt-3.5-turbo", "gpt-4", "gpt-4o", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.5",
        "gpt-5.6-sol", "gpt-5-chat-latest", "gpt-5-pro", "o1", "o3", "o3-mini", "o4-mini", "o3-pro", "gpt-5.2-codex", "vendor/model",
    )),
    *(f"anthropic:claude-{name}" for name in (
        "3-haiku-20240307", "3-7-sonnet-latest", "sonnet-4-0", "haiku-4-5", "opus-4-5", "opus-4-6", "opus-4-7", "sonnet-5-0",
        "opus-5-5", "fable-5-1",
    )),
    *(f"google:gemini-{name}" for name in (
        "1.5-pro", "2.0-flash", "2.5-flash", "2.5-pro", "2.5-flash-lite", "3-pro-preview", "3.1-pro", "3-flash", "flash-latest",
    )),
    *(f"ollama:{name}" for name in ("llama3.2", "gpt-oss:20b", "qwen3")),
]  # fmt: skip
NAMES = ["f", "files/read", "search.web", "1st", "söök", "n" * 80, "files_read"]
IDS = ["a", "call_0", "toolu.1", "i" * 90, ""]
KEYWORDS: dict[str, Any] = {
    "type": ["object", "string", ["string", "null"], "integer"],
    "properties": [{}, {"a": {"type": "string"}}, {"a": {"$ref": "#/$defs/d"}, "b": {"const": 1}}],
    "required": [[], ["a"]],
    "additionalProperties": [True, False, {"type": "string"}],
    "anyOf": [[{"type": "string"}, {"type": "null"}]],
    "allOf": [[{"properties": {"c": {"type": "integer"}}}, {"$ref": "#/$defs/d"}]],
    "oneOf": [[{"type": "object", "properties": {"k": {"const": "x"}}}, {"type": "array"}]],
    "not": [{"type": "array"}],
    "enum": [["x", 1, None]],
    "const": ["x"],
    "$ref": ["#/$defs/d", "#", "#/properties/a"],
    "default": [None, {"a": 1}],
    "prefixItems": [[{"type": "string"}, {"type": "integer"}]],
    "items": [{"type": "string"}, {"$ref": "#"}],
    "pattern": ["^a(?=b)", "[a-z]+"],
    "format": ["date-time", "odd"],
    "minimum": [0],
    "minItems": [3],
    "patternProperties": [{"^x": {"type": "string"}}],
    "propertyNames": [{"pattern": "^[a-z]+$"}],
    "dependentRequired": [{"a": ["b"]}],
    "if": [{"properties": {"a": {"const": 1}}}],
    "nullable": [True],
    "title": ["T"],
    "examples": [[1]],
    "$schema": ["https://json-schema.org/draft/2020-12/schema"],
}
schemas = st.fixed_dictionaries(
    {"$defs": st.just({"d": {"type": "object", "properties": {"e": {"type": "number"}}}})},
    optional={name: st.sampled_from(values) for name, values in KEYWORDS.items()},
)
tools = st.lists(
    st.builds(
        lambda name, schema, strict: {
            "name": name,
            "parameters": schema,
            **({"strict": True} if strict else {}),
        },
        st.sampled_from(NAMES),
        schemas,
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda tool: tool["name"],
)


@st.composite
def talks(draw: st.DrawFn) -> list[Message]:
    """A conversation whose calls and results need not fit together."""
    asked = Message(role="user", content="x")
    made = st.builds(
        lambda ids, names: Message(
            role="assistant",
            content="y",
            tool_calls=[tool_call(call_id, name, "{}") for call_id, name in zip(ids, names, strict=False)],
        ),
        st.lists(st.sampled_from(IDS), min_size=1, max_size=3),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    )
    result = st.builds(
        lambda call_id, name: Message(role="tool", content="z", tool_call_id=call_id, name=name),
        st.sampled_from([*IDS, None]),
        st.sampled_from([*NAMES, None]),
    )
    others = [
        Message(role="user", content="x"),
        Message(role="system", content="s"),
        Message(role="assistant", content="y"),
    ]
    return [asked, *draw(st.lists(st.sampled_from(others) | made | result, max_size=7))]


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=25, deadline=None)
@given(
    messages=talks(),
    tools=tools,
    choice=st.sampled_from([None, "auto", "none", "required", *NAMES]),
    effort=st.sampled_from([None, *EFFORTS]),
    answer=st.none() | schemas,
    strict=st.booleans(),
    temperature=st.sampled_from([None, 0.5, 1]),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "top_p": st.just(0.5),
            "parallel_tool_calls": st.booleans(),
            "stop": st.just(["a"]),
            "metadata": st.just({"n": 1}),
        },
    ),
)
def test_any_combination_is_valid_or_refused_by_type(
    *,
    model: str,
    messages: list[Message],
    tools: list[dict[str, Any]],
    choice: str | None,
    effort: Any,
    answer: Any,
    strict: bool,
    temperature: float | None,
    extra: dict[str, Any],
) -> None:
    provider, _, name = model.partition(":")
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": answer, "strict": strict}}
    request = LLMRequest(
        messages,
        tools=tools or None,
        tool_choice=choice,
        reasoning_effort=effort,
        response_format=None if answer is None else form,
        temperature=temperature,
        extra_params=extra,
    )
    call = ChatCall(request, ModelRef(provider, name))
    with suppress(UnsupportedContentError):
        wire = ADAPTERS[provider].encode(call, stream=False)  # the validators hold it
        results = [message for message in messages if message.role == "tool"]
        assert wire.body.count(b'"z"') + wire.body.count(b"\\nz") >= len(results)
