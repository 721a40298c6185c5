"""Whatever a user may write encodes for every provider, or is refused with the typed error that says why."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.conversations import messages, requests, text_parts
from interop.ours import ADAPTERS, PROTOCOLS, api_params, call_of
from interop.recordings import Protocol
from llmring_providers import ChatCall, WireRequest
from llmring_types import LLMRequest, Message, Role
from llmring_types.exceptions import UnsupportedContentError
from msgspec.structs import replace

MODELS: dict[str, tuple[str, ...]] = {
    "anthropic": ("claude-3-5-haiku-latest", "claude-sonnet-4-6", "claude-opus-5-5", "else"),
    "google": ("gemini-2.0-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "publishers/google/models/gemini-2.5-flash"),
    "ollama": ("llama3", "gpt-oss:20b"),
    "openai": ("gpt-4o", "gpt-5.4", "o3", "vendor/model"),
}  # fmt: skip
ROWS = [(protocol, model) for protocol in PROTOCOLS for model in MODELS[protocol.partition(" ")[0]]]
enough = settings(max_examples=30, deadline=None)


@pytest.mark.parametrize(("protocol", "model"), ROWS)
@enough
@given(request=requests())
def test_any_conversation_encodes_or_is_refused_by_type(
    protocol: Protocol, model: str, request: LLMRequest
) -> None:
    request = replace(request, extra_params=request.extra_params | api_params(protocol))
    call = call_of(protocol, request, model)
    for stream in (False, True):
        wire = encoded(call, stream=stream)
        if isinstance(wire, UnsupportedContentError):
            assert wire.provider == call.ref.provider
            assert wire.part
            continue
        body = json.loads(wire.body)
        assert isinstance(body, dict)
        assert all(wire.warnings)
        if request.extra_params.keys() & {"messages", "contents", "input", "system", "systemInstruction"}:
            continue  # the user wrote a conversation of their own over this one
        sent = "\n".join(strings(body))
        assert [text for text in spoken_texts(request) if text not in sent] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("role", get_args(Role))
@enough
@given(before=st.lists(messages(), max_size=3), texts=st.lists(text_parts, max_size=2))
def test_a_part_that_nobody_knows_is_never_replaced(
    protocol: Protocol, role: Role, before: list[Message], texts: list[Any]
) -> None:
    odd = Message(role=role, content=[*texts, {"type": "hologram", "data": "…"}])
    request = LLMRequest([*before, odd], extra_params=api_params(protocol))
    refused = encoded(call_of(protocol, request, "m"), stream=False)
    assert isinstance(refused, UnsupportedContentError)


OURS = {"api": "chat", "betas": ["b-2026"], "stream": True}
"""In ``extra_params`` of a pool that mixes providers: words for llmring, or for one provider's SDK."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_words_for_another_provider_reach_no_wire_and_are_told(protocol: Protocol, stream: bool) -> None:
    extra = OURS | api_params(protocol) | {"top_p": 0.5}
    request = LLMRequest(messages=[Message(role="user", content="Hi")], extra_params=extra)
    wire = encoded(call_of(protocol, request, "m"), stream=stream)
    assert isinstance(wire, WireRequest)
    body = json.loads(wire.body)
    assert set(names(body)).isdisjoint({"api", "betas"})
    # Gemini's path says it, Ollama streams unless told not to.
    assert body.get("stream") is {"google": None, "ollama": stream}.get(protocol, stream or None)
    assert 0.5 in (body.get("top_p"), *(inner.get("top_p", inner.get("topP")) for inner in objects_in(body)))
    known = {"openai chat": "api", "openai responses": "api", "anthropic": "betas"}.get(protocol)
    assert sorted(warning.split()[0] for warning in wire.warnings) == sorted(OURS.keys() - {known})


CHAT_WORDS: dict[str, Any] = {
    "frequency_penalty": 0.5, "logit_bias": {"1": 2}, "logprobs": True, "n": 2, "seed": 1, "stop": ["END"], "user": "u",
    "parallel_tool_calls": False, "max_completion_tokens": 99, "prompt_cache_key": "k", "verbosity": "low",
}  # fmt: skip


@pytest.mark.parametrize("protocol", [protocol for protocol in PROTOCOLS if protocol != "openai chat"])
def test_what_chat_completions_know_means_the_same_or_is_told(protocol: Protocol) -> None:
    """A provider that refuses unknown names must not see any, and nothing is lost in silence."""
    for name, value in CHAT_WORDS.items():
        extra = {name: value} | api_params(protocol)
        request = LLMRequest(messages=[Message(role="user", content="Hi")], extra_params=extra)
        plain = encoded(
            call_of(protocol, replace(request, extra_params=api_params(protocol)), "m"), stream=False
        )
        wire = encoded(call_of(protocol, request, "m"), stream=False)
        assert isinstance(wire, WireRequest)
        assert isinstance(plain, WireRequest)
        dropped = wire.body == plain.body
        told = [warning for warning in wire.warnings if warning.startswith(f"{name} was dropped")]
        assert dropped is bool(told) or (name == "parallel_tool_calls" and protocol == "anthropic"), name


def names(value: Any) -> Iterator[str]:
    """Every name of a field inside a JSON value."""
    for inner in objects_in(value):
        yield from inner


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects_in(inner)


def encoded(call: ChatCall, *, stream: bool) -> WireRequest | UnsupportedContentError:
    try:
        return ADAPTERS[call.ref.provider].encode(call, stream=stream)
    except UnsupportedContentError as error:
        return error


def spoken_texts(request: LLMRequest) -> Iterator[str]:
    """Every text of the conversation but blank ones; a result in JSON may be sent as JSON, so it is not text."""
    for message in request.messages:
        content = message.content or ""
        texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        stripped = (text.strip() for text in texts)
        yield from (text for text in stripped if not (message.role == "tool" and text[:1] in ("{", "[")))


def strings(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
