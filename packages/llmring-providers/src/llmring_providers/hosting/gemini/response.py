"""Writes answers, whole or as a stream: https://ai.google.dev/api/generate-content

A stream is whole answers of the same form, each with what came since the last. With ``alt=sse`` they are server-sent
events, else the items of one array that grows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, StreamChunk, Usage
from llmring_types.exceptions import LLMRingError

from llmring_providers.google.response import FINISH
from llmring_providers.google.wire import Candidate
from llmring_providers.hosting.answering import (
    Answer,
    arguments_of,
    carried,
    count,
    counted,
    finish_word,
    own_native,
    replayed,
)
from llmring_providers.hosting.codec import ErrorAnswer, HostedRequest, Stamp, StreamWriter, server_event
from llmring_providers.hosting.failures import Failure, Kind, failure_of
from llmring_providers.hosting.gemini.contents import VENDOR

_WORDS: Mapping[FinishReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "error": "MALFORMED_FUNCTION_CALL",
    "other": "OTHER",
}
_OF_CANDIDATE = [
    field.encode_name
    for field in msgspec.structs.fields(Candidate)
    if field.name not in ("index", "content", "finish_reason")
]
_USAGE_EXTRAS = "usageMetadata"
_Part = dict[str, Any]


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Write a whole answer."""
    parts = replayed(own_native(response, VENDOR))
    if not parts:
        parts = [{"text": response.reasoning, "thought": True}] if response.reasoning else []
        if response.content or not response.tool_calls:
            parts.append({"text": response.content})
        parts += _calls(response, stamp, signed=bool(response.reasoning))
    return msgspec.json.encode(_last(response, parts, _head(response, asked, stamp)))


def _head(answer: Answer, asked: HostedRequest, stamp: Stamp) -> dict[str, Any]:
    return {
        "modelVersion": answer.provider_model or asked.request.model,
        "responseId": answer.response_id or stamp.id("", digits=22),
    }


def _calls(answer: Answer, stamp: Stamp, *, signed: bool) -> list[_Part]:
    """Return the parts of the calls; the first one carries the signature, without any an empty text does."""
    parts: list[_Part] = []
    for call in answer.tool_calls or ():
        made = {"name": call["function"]["name"], "args": arguments_of(call)}
        parts.append({"functionCall": {**made, "id": call["id"]} if call["id"] else made})
    signature = carried(answer, VENDOR)
    if parts and (signature or (signed and stamp.signature)):
        parts[0]["thoughtSignature"] = signature or stamp.signature
    elif signature:
        parts.append({"text": "", "thoughtSignature": signature})
    return parts


def _last(answer: Answer, parts: Sequence[_Part], head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that ends an answer. A blocked prompt has a feedback and no candidate."""
    native = own_native(answer, VENDOR)
    feedback = native.get("promptFeedback")
    word = finish_word(
        answer,
        VENDOR,
        _WORDS,
        lambda word: (
            "tool_calls" if answer.tool_calls and FINISH.get(word) == "stop" else FINISH.get(word, "other")
        ),
    )
    document: dict[str, Any] = {}
    if isinstance(feedback, Mapping):
        document["promptFeedback"] = feedback
    if not isinstance(feedback, Mapping) or feedback.get("blockReason") != answer.provider_finish_reason:
        candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, "finishReason": word}
        candidate |= {name: native[name] for name in _OF_CANDIDATE if native.get(name)}
        document["candidates"] = [candidate]
    if native.get("modelStatus"):
        document["modelStatus"] = native["modelStatus"]
    if answer.usage is not None:
        document["usageMetadata"] = usage_object(answer.usage, native)
    return {**document, **head}


def usage_object(usage: Usage, native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the token counts.

    Gemini counts thoughts beside the answer, and results of its own tools beside the prompt.
    """
    more = native.get(_USAGE_EXTRAS)
    own: Mapping[str, Any] = more if isinstance(more, Mapping) else {}
    counts = counted(
        usage,
        {
            "totalTokenCount": "total_tokens",
            "cachedContentTokenCount": "cache_read_input_tokens",
            "thoughtsTokenCount": "reasoning_tokens",
        },
    )
    if "prompt_tokens" in usage:
        counts["promptTokenCount"] = usage["prompt_tokens"] - (own.get("toolUsePromptTokenCount") or 0)
    if "completion_tokens" in usage:
        counts["candidatesTokenCount"] = usage["completion_tokens"] - count(usage, "reasoning_tokens")
    if (tier := usage.get("service_tier")) and not own.keys() & {"serviceTier", "trafficType"}:
        counts["serviceTier"] = tier
    return {**counts, **own}


_ERRORS: Mapping[Kind, tuple[str, str]] = {
    "bad_request": ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    "unsupported": ("INVALID_ARGUMENT", "The request is not supported."),
    "too_large": ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    "authentication": ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "permission": ("PERMISSION_DENIED", "The caller does not have permission."),
    "not_found": ("NOT_FOUND", "The model is not found for API version v1beta."),
    "quota": ("FAILED_PRECONDITION", "The account has no credit left."),
    "rate_limit": ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "timeout": ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
    "server": ("INTERNAL", "An internal error has occurred."),
    "overloaded": ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    "gateway": ("INTERNAL", "An internal error has occurred."),
}
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def error_document(error: LLMRingError) -> dict[str, Any]:
    """Return the document, which is also an event of a stream."""
    return _document(failure_of(error))


def _document(failure: Failure) -> dict[str, Any]:
    word, words = _ERRORS[failure.kind]
    error: dict[str, Any] = {"code": failure.status, "message": failure.words or words, "status": word}
    if failure.retry_after is not None:
        error["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{failure.retry_after:g}s"}]
    return {"error": error}


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error. Google says in the body how long to wait, and in no header."""
    failure = failure_of(error)
    body = msgspec.json.encode(_document(failure))
    return ErrorAnswer(
        status=failure.status, body=body, headers={"content-type": "application/json; charset=UTF-8"}
    )


class GenerateStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:
        super().__init__()
        self._asked = asked
        self._stamp = stamp
        self._head: dict[str, Any] = {}
        self._begun = False
        self._said: list[_Part] = []
        """The parts so far; neighbouring pieces of one kind are one part."""

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        if not self._head:
            self._head = _head(chunk, self._asked, self._stamp)
        parts: list[_Part] = [{"text": chunk.reasoning, "thought": True}] if chunk.reasoning else []
        if chunk.delta:
            parts.append({"text": chunk.delta})
        if not parts:
            return []
        self._said += parts
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        return [self._frame({"candidates": [candidate], **self._head})]

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        parts = self._remaining(replayed(own_native(chunk, VENDOR)), chunk)
        self._head["modelVersion"] = chunk.provider_model or self._head["modelVersion"]
        events = [self._frame(_last(chunk, parts, self._head))]
        return events if self._asked.route.sse else [*events, b"\n]\n"]

    def _remaining(self, replay: Sequence[_Part], chunk: StreamChunk) -> list[_Part]:
        """Return the parts that are still to be said; of a signed text the signature alone."""
        if not replay or _spoken(replay) != _spoken(self._said):
            thought = any(part.get("thought") for part in self._said)
            return _calls(chunk, self._stamp, signed=thought) or ([] if self._said else [{"text": ""}])
        left: list[_Part] = []
        for part in replay:
            if not isinstance(part.get("text"), str) or "functionCall" in part:
                left.append(part)
            elif part.keys() - {"text", "thought"}:
                left.append({**part, "text": ""})
        return left

    def _frame(self, document: Mapping[str, Any]) -> bytes:
        if self._asked.route.sse:
            return server_event(document, end=b"\r\n")
        before, self._begun = b"\n,\n" if self._begun else b"[", True
        return before + msgspec.json.encode(document)

    def _failure(self, error: LLMRingError) -> list[bytes]:
        event = self._frame(error_document(error))
        return [event] if self._asked.route.sse else [event + b"\n]\n"]


def _spoken(parts: Sequence[_Part]) -> tuple[str, str]:
    """Return the text and the thoughts of parts."""
    texts = [
        (part.get("thought") is True, part["text"]) for part in parts if isinstance(part.get("text"), str)
    ]
    return "".join(text for thought, text in texts if not thought), "".join(
        text for thought, text in texts if thought
    )
