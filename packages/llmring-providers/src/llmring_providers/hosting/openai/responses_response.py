"""Writes a response as one document: https://platform.openai.com/docs/api-reference/responses/object"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, Usage

from llmring_providers.hosting.answering import (
    Answer,
    carried,
    counted,
    finish_word,
    own_native,
    replayed,
    text_of,
)
from llmring_providers.hosting.codec import HostedRequest, Stamp
from llmring_providers.hosting.openai.responses_items import VENDOR
from llmring_providers.openai.responses.items import read_items
from llmring_providers.openai.responses.response import finish_reason

_WORDS: Mapping[FinishReason, str] = {
    "stop": "completed",
    "tool_calls": "completed",
    "length": "max_output_tokens",
    "error": "failed",
}
_STATUSES = frozenset({"completed", "complete", "cancelled", "failed", "queued", "in_progress"})
"""Words that are a status; all others are the reason of an incomplete response."""
_BEYOND = (
    "moderation",
    "content_filters",
    "tool_usage",
    "input_transformations",
    "prompt_cache_diagnostics",
    "conversation",
    "access_programs",
    "service_tier",
)

Item = dict[str, Any]


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Write a whole answer."""
    items = replayed(own_native(response, VENDOR, "responses")) or built_items(response, stamp)
    return msgspec.json.encode({**head(response, asked, stamp), **ended(response, items)})


def built_items(response: LLMResponse, stamp: Stamp) -> list[Item]:
    """Return the items of an answer that came without any of its own."""
    native = own_native(response, VENDOR, "responses")
    signature = carried(response, VENDOR, "responses")
    items = [reasoning_item(response.reasoning, stamp, 0)] if response.reasoning or signature else []
    if signature:
        items[0]["encrypted_content"] = signature
    text, refusal = text_of(response), response.refusal
    if response.content or not response.tool_calls:
        parts = [text_part(text, native)] if text or not refusal else []
        parts += [{"type": "refusal", "refusal": refusal}] if refusal else []
        items.append(message_item(parts, stamp, len(items)))
    return items + call_items(response, stamp)


def text_part(text: str, native: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the part of a message that is text."""
    said = native or {}
    return {
        "type": "output_text",
        "text": text,
        "annotations": said.get("annotations") or [],
        "logprobs": said.get("logprobs") or [],
    }


def reasoning_item(text: str | None, stamp: Stamp, place: int) -> Item:
    """Return an item of reasoning that shows this summary."""
    item = {
        "id": stamp.id("rs_", place, digits=48),
        "type": "reasoning",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": text}] if text else [],
    }
    return {**item, "encrypted_content": stamp.signature} if stamp.signature else item


def message_item(parts: list[dict[str, Any]], stamp: Stamp, place: int) -> Item:
    """Return a message of these parts."""
    return {
        "id": stamp.id("msg_", place, digits=48),
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": parts,
    }


def call_items(answer: Answer, stamp: Stamp) -> list[Item]:
    """Return the items of the calls."""
    return [
        {
            "id": stamp.id("fc_", place, digits=48),
            "type": "function_call",
            "status": "completed",
            "call_id": call["id"] or stamp.id("call_", place),
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for place, call in enumerate(answer.tool_calls or ())
    ]


def head(answer: Answer, asked: HostedRequest, stamp: Stamp) -> dict[str, Any]:
    """Return the fields of a response that are known from the start."""
    request = asked.request
    return {
        "id": answer.response_id or stamp.id("resp_", digits=48),
        "object": "response",
        "created_at": stamp.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": request.max_tokens,
        "metadata": {},
        "model": answer.provider_model or request.model,
        "output": [],
        "parallel_tool_calls": request.extra_params.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "tool_choice": "auto",
        "tools": [],
        "top_p": request.extra_params.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
    }


def ended(answer: Answer, items: list[Item]) -> dict[str, Any]:
    """Return the fields of a response that are known at its end."""
    native = own_native(answer, VENDOR, "responses")
    said = read_items(items)
    word = finish_word(answer, VENDOR, _WORDS, lambda word: finish_reason(word, said))
    if said.refusal and word == "content_filter":
        word = "completed"  # the model refused, no filter stopped it
    status = word if word in _STATUSES else "incomplete"
    failed = {"code": "server_error", "message": "The model failed to generate a response."}
    tier = answer.usage.get("service_tier") if answer.usage else None
    return {
        "status": status,
        "error": failed if status == "failed" else None,
        "incomplete_details": {"reason": word} if status == "incomplete" else None,
        "output": items,
        "usage": usage_object(answer.usage, native),
        **({"service_tier": tier} if tier else {}),
        **{name: native[name] for name in _BEYOND if native.get(name)},
    }


def usage_object(usage: Usage | None, native: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the token counts, noughts included, with what else the host itself counted."""
    if usage is None:
        return None
    names = {
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "total_tokens": "total_tokens",
    }
    given = {"cached_tokens": "cache_read_input_tokens", "cache_write_tokens": "cache_creation_input_tokens"}
    counts: dict[str, Any] = {
        **counted(usage, names),
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, **counted(usage, given)},
        "output_tokens_details": {
            "reasoning_tokens": 0,
            **counted(usage, {"reasoning_tokens": "reasoning_tokens"}),
        },
    }
    more = native.get("usage")
    for name, value in more.items() if isinstance(more, Mapping) else ():
        there = counts.get(name)
        counts[name] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return counts
