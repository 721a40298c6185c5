"""Writes a message as one document: https://platform.claude.com/docs/en/api/messages"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, Usage
from llmring_types.exceptions import LLMRingError

from llmring_providers.anthropic.response import finish_reason
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
from llmring_providers.hosting.anthropic.messages import VENDOR
from llmring_providers.hosting.codec import ErrorAnswer, HostedRequest, Stamp
from llmring_providers.hosting.failures import Failure, Kind, failure_of

_WORDS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "error": "pause_turn",
    "other": "pause_turn",
}
_BEYOND = ("container", "context_management", "input_transformations", "diagnostics")
_COUNTS = {
    "cache_creation_input_tokens": "cache_creation_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
}
_SPLIT = {
    "ephemeral_5m_input_tokens": "cache_creation_5m_tokens",
    "ephemeral_1h_input_tokens": "cache_creation_1h_tokens",
}
_USAGE_EXTRAS = ("server_tool_use", "iterations", "fallback_credit", "service_tier", "inference_geo", "speed")


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Write a whole answer."""
    document = {
        **head(response, asked, stamp),
        "content": content(response, stamp),
        **end(response),
        "usage": usage_object(response.usage, own_native(response, VENDOR)),
    }
    return msgspec.json.encode(document)


def head(answer: Answer, asked: HostedRequest, stamp: Stamp) -> dict[str, Any]:
    """Return the fields of a message that has not said anything yet."""
    return {
        "id": answer.response_id or stamp.id("msg_01", digits=22),
        "type": "message",
        "role": "assistant",
        "model": answer.provider_model or asked.request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def content(response: LLMResponse, stamp: Stamp) -> list[dict[str, Any]]:
    """Return the blocks: the provider's own where they are of this protocol, else thoughts, text and calls."""
    if blocks := replayed(own_native(response, VENDOR)):
        return blocks
    signature = carried(response, VENDOR)
    if response.reasoning:
        thinking = {"type": "thinking", "thinking": response.reasoning}
        blocks.append({**thinking, "signature": signature or stamp.signature})
    elif signature:
        blocks.append({"type": "redacted_thinking", "data": signature})
    if response.content:
        blocks.append({"type": "text", "text": response.content})
    return blocks + calls(response, stamp)


def calls(answer: Answer, stamp: Stamp) -> list[dict[str, Any]]:
    """Return the blocks of the calls."""
    return [
        {
            "type": "tool_use",
            "id": call["id"] or stamp.id("toolu_01", place, digits=22),
            "name": call["function"]["name"],
            "input": arguments_of(call),
        }
        for place, call in enumerate(answer.tool_calls or ())
    ]


def end(answer: Answer) -> dict[str, Any]:
    """Return why the message ended, and what else is known only then."""
    native = own_native(answer, VENDOR)
    called = bool(answer.tool_calls)
    word = finish_word(answer, VENDOR, _WORDS, lambda word: finish_reason(word, called=called))
    stop = native.get("stop_sequence")
    said: dict[str, Any] = {
        "stop_reason": "stop_sequence" if stop and word == "end_turn" else word,
        "stop_sequence": stop,
        **{name: native[name] for name in _BEYOND if native.get(name)},
    }
    details = native.get("stop_details")
    if details is None and answer.refusal and word == "refusal":
        details = {"type": "refusal", "category": None, "explanation": answer.refusal}
    return said if details is None else {**said, "stop_details": details}


def usage_object(usage: Usage | None, native: Mapping[str, Any]) -> dict[str, Any]:
    """Return the token counts. Anthropic counts cache reads and writes beside the fresh input."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    counts: dict[str, Any] = counted(usage, _COUNTS)
    counts["input_tokens"] = max(0, count(usage, "prompt_tokens") - sum(counts.values()))
    counts["output_tokens"] = count(usage, "completion_tokens")
    if split := counted(usage, _SPLIT):
        counts["cache_creation"] = split
    if thought := counted(usage, {"thinking_tokens": "reasoning_tokens"}):
        counts["output_tokens_details"] = thought
    counts["service_tier"] = "standard"
    searches = usage.get("web_searches")
    if searches:
        counts["server_tool_use"] = {"web_search_requests": searches}
    own = {name: native[name] for name in _USAGE_EXTRAS if native.get(name)}
    tier = usage.get("service_tier")
    if tier and not own.keys() & {"service_tier", "inference_geo", "speed"}:
        counts["service_tier"] = tier
    return counts | own


_ERRORS: Mapping[Kind, tuple[str, str]] = {
    "bad_request": ("invalid_request_error", "The request is not valid."),
    "unsupported": ("invalid_request_error", "The request is not supported."),
    "too_large": ("request_too_large", "Request exceeds the maximum size"),
    "authentication": ("authentication_error", "invalid x-api-key"),
    "permission": (
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    "not_found": ("not_found_error", "The requested model does not exist."),
    "quota": ("billing_error", "There is an issue with your billing or payment information."),
    "rate_limit": ("rate_limit_error", "This request would exceed the rate limit for your organization."),
    "timeout": ("timeout_error", "Request timed out."),
    "server": ("api_error", "Internal server error"),
    "overloaded": ("overloaded_error", "Overloaded"),
    "gateway": ("api_error", "Internal server error"),
}
_STATUSES: Mapping[Kind, int] = {"overloaded": 529}


def error_document(error: LLMRingError) -> dict[str, Any]:
    """Return the document, which is also the data of an error event."""
    return _document(failure_of(error))


def _document(failure: Failure) -> dict[str, Any]:
    kind, words = _ERRORS[failure.kind]
    message = failure.words or words
    return {"type": "error", "error": {"type": kind, "message": message}}


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error; of an overload, with the status that is Anthropic's own."""
    failure = failure_of(error, _STATUSES)
    body = msgspec.json.encode(_document(failure))
    return ErrorAnswer(status=failure.status, body=body, headers=failure.headers)
