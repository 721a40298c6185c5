"""Writes chat completions, whole or as a stream.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming/streaming
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, StreamChunk, ToolCall, Usage
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import (
    Answer,
    carried,
    counted,
    finish_word,
    own_native,
    replayed,
    text_of,
)
from llmring_providers.hosting.codec import HostedRequest, Stamp, StreamWriter, server_event
from llmring_providers.hosting.openai.chat_request import VENDOR
from llmring_providers.hosting.openai.errors import error_object
from llmring_providers.openai.chat.response import finish_reason
from llmring_providers.openai.chat.wire import (
    CHOICE_EXTRAS,
    COMPLETION_EXTRAS,
    IDENTITY_EXTRAS,
    MESSAGE_EXTRAS,
)

_WORDS: Mapping[FinishReason, str] = {}
"""The neutral words are those of this protocol."""
_RENAMED = {"upstream": "provider"}
_LEGACY = "function_call"
"""Finish reason, and field of the call, for clients that send the ``functions`` of 2023:
https://platform.openai.com/docs/api-reference/chat/object"""


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Write a whole answer."""
    native = own_native(response, VENDOR, "chat")
    text, calls = text_of(response), response.tool_calls
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text or (None if calls or response.refusal else ""),
        "refusal": response.refusal,
        "annotations": [],
    }
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    word = _word(response, refused=bool(response.refusal))
    if calls and word == _LEGACY:
        message[_LEGACY] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = _identified(calls, stamp)
    message |= _beyond(native, response.reasoning) | _sealed(response)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": word,
        **_named(native, CHOICE_EXTRAS),
    }
    document = {
        **_head(response, asked, stamp, "chat.completion"),
        **_tier(response),
        "choices": [choice],
        "usage": usage_object(response.usage, native),
        **_named(native, (*IDENTITY_EXTRAS, *COMPLETION_EXTRAS)),
    }
    return msgspec.json.encode(document)


def _identified(calls: list[ToolCall], stamp: Stamp) -> list[dict[str, Any]]:
    """Return the calls, each with an id."""
    return [{**call, "id": call["id"] or stamp.id("call_", place)} for place, call in enumerate(calls)]


def _word(answer: Answer, *, refused: bool) -> str:
    return finish_word(
        answer,
        VENDOR,
        _WORDS,
        lambda word: finish_reason(word, called=bool(answer.tool_calls), refused=refused),
    )


def _beyond(native: Mapping[str, Any], reasoning: str | None) -> dict[str, Any]:
    """Return the fields of the message that the neutral form has no place for, under the names by which they came."""
    said = _named(native, MESSAGE_EXTRAS)
    for block in replayed(native):
        said |= {name: value for name, value in block.items() if name != "audio"}
    if "reasoning" in said or "reasoning_details" in said:
        said.setdefault("reasoning", reasoning)
        said["reasoning_content"] = None
    return said


def _sealed(answer: Answer) -> dict[str, Any]:
    """Return what another vendor wants back, in the form in which OpenRouter has clients send such things back.

    https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
    """
    signature = carried(answer, VENDOR, "chat")
    if not signature:
        return {}
    return {"reasoning_details": [{"type": "reasoning.encrypted", "data": signature, "index": 0}]}


def _named(native: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): native[name] for name in names if native.get(name)}


def _head(answer: Answer, asked: HostedRequest, stamp: Stamp, kind: str) -> dict[str, Any]:
    return {
        "id": answer.response_id or stamp.id("chatcmpl-", digits=29),
        "object": kind,
        "created": stamp.created,
        "model": answer.provider_model or asked.request.model,
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _tier(answer: Answer) -> dict[str, Any]:
    tier = answer.usage.get("service_tier") if answer.usage else None
    return {"service_tier": tier} if tier else {}


def usage_object(usage: Usage | None, native: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the token counts, with what else the host itself counted."""
    if usage is None:
        return None
    counts: dict[str, Any] = counted(
        usage,
        {
            "prompt_tokens": "prompt_tokens",
            "completion_tokens": "completion_tokens",
            "total_tokens": "total_tokens",
        },
    )
    given = counted(
        usage,
        {"cached_tokens": "cache_read_input_tokens", "cache_write_tokens": "cache_creation_input_tokens"},
    )
    made = counted(usage, {"reasoning_tokens": "reasoning_tokens"})
    if given:
        counts["prompt_tokens_details"] = given
    if made:
        counts["completion_tokens_details"] = made
    if "reported_cost" in usage:
        counts["cost"] = usage["reported_cost"]
    more = native.get("usage")
    for name, value in more.items() if isinstance(more, Mapping) else ():
        there = counts.get(name)
        counts[name] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return counts


class ChatStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:
        super().__init__()
        self._asked = asked
        self._stamp = stamp
        self._head: dict[str, Any] = {}
        """The fields of every event, from the first one on."""
        self._refused = False

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        events: list[bytes] = []
        if not self._head:
            self._head = _head(chunk, self._asked, self._stamp, "chat.completion.chunk")
            self._head |= _named(own_native(chunk, VENDOR, "chat"), IDENTITY_EXTRAS)
            if self._asked.usage_in_stream:
                self._head["usage"] = None
            text = None if chunk.tool_calls and not chunk.delta else ""
            events.append(self._event({"role": "assistant", "content": text, "refusal": None}))
        if chunk.reasoning:
            events.append(self._event({"reasoning_content": chunk.reasoning}))
        text, refusal = chunk.delta, chunk.refusal if chunk.delta else None
        if refusal and text.endswith(refusal):
            text = text[: -len(refusal)]
        if text:
            events.append(self._event({"content": text}))
        if refusal:
            self._refused = True
            events.append(self._event({"refusal": refusal}))
        return events

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        native = own_native(chunk, VENDOR, "chat")
        self._head["model"] = chunk.provider_model or self._head["model"]
        self._head |= _tier(chunk)
        word = _word(chunk, refused=self._refused)
        calls = self._legacy_call(chunk) if word == _LEGACY else self._calls(chunk, native)
        events = list(map(self._event, calls))
        beyond = _beyond(native, None)
        for name in ("tool_calls", "reasoning_content", "reasoning", "content"):  # they were said before
            beyond.pop(name, None)
        beyond |= _sealed(chunk)
        if beyond:
            events.append(self._event(beyond))
        events.append(self._event({}, finish_reason=word, **_named(native, CHOICE_EXTRAS)))
        more = _named(native, COMPLETION_EXTRAS)
        if self._asked.usage_in_stream:
            more["usage"] = usage_object(chunk.usage, native)
        if more:
            events.append(server_event({**self._head, "choices": [], **more}))
        return [*events, server_event(b"[DONE]")]

    def _legacy_call(self, chunk: StreamChunk) -> Iterable[dict[str, Any]]:
        for call in (chunk.tool_calls or [])[:1]:
            yield {_LEGACY: {"name": call["function"]["name"], "arguments": ""}}
            for piece in self._stamp.pieces(call["function"]["arguments"]):
                yield {_LEGACY: {"arguments": piece}}

    def _calls(self, chunk: StreamChunk, native: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        raw = next((block["tool_calls"] for block in replayed(native) if "tool_calls" in block), None)
        for place, call in enumerate(raw or _identified(chunk.tool_calls or [], self._stamp)):
            kind, field = ("custom", "input") if "custom" in call else ("function", "arguments")
            inner = call[kind]
            yield {"tool_calls": [{"index": place, **call, kind: {**inner, field: ""}}]}
            for piece in self._stamp.pieces(inner.get(field) or ""):
                yield {"tool_calls": [{"index": place, kind: {field: piece}}]}

    def _event(self, delta: Mapping[str, Any], **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}
        return server_event({**self._head, "choices": [choice]})

    def _failure(self, error: LLMRingError) -> list[bytes]:
        return [server_event({"error": error_object(error)})]
