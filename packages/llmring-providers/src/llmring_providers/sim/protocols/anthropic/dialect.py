"""Anthropic's Messages API, from the provider's side.

https://docs.claude.com/en/api/messages
https://docs.claude.com/en/docs/build-with-claude/streaming
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import FinishReason

from llmring_providers.sim.dialect import GARBAGE, Reply, of_status, server_event
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.protocols.anthropic.prompt import read

_STOP: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "other": "pause_turn",
}
_ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "There is an issue with your billing or payment information."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "The requested model does not exist."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed the rate limit for your organization."),
    500: ("api_error", "Internal server error"),
    503: ("overloaded_error", "Overloaded"),
    504: ("timeout_error", "Request timed out."),
    529: ("overloaded_error", "Overloaded"),
}


class AnthropicMessages:
    name = "anthropic"
    stream_type = "text/event-stream; charset=utf-8"
    wait_in_body = False

    def read(self, path: str, body: bytes) -> Prompt:  # noqa: ARG002
        return read(body)

    def models(self, names: Sequence[str]) -> bytes:
        """https://docs.claude.com/en/api/models-list"""
        data = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in names
        ]
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return msgspec.json.encode({"data": data, "has_more": False, **ends})

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        message = _message(prompt, reply)
        message |= {"content": [block for block, _ in _blocks(reply)], **_end(reply), "usage": _usage(reply)}
        return msgspec.json.encode(message)

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        begun = {**_message(prompt, reply), "usage": {**_usage(reply), "output_tokens": 1}}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
        for place, (block, deltas) in enumerate(_blocks(reply)):
            events.append({"type": "content_block_start", "index": place, "content_block": _emptied(block)})
            if place == 0:
                events.append({"type": "ping"})
            events += [{"type": "content_block_delta", "index": place, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": place})
        events.append({"type": "message_delta", "delta": _end(reply), "usage": _usage(reply)})
        events.append({"type": "message_stop"})
        return [server_event(event, event["type"]) for event in events]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:  # noqa: ARG002
        return msgspec.json.encode(_error(status, message))

    def error_event(self, status: int, message: str | None) -> bytes:
        return server_event(_error(status, message), "error")

    def malformed_event(self) -> bytes:
        return server_event(GARBAGE, "content_block_delta")

    def headers(self, seed: str) -> Mapping[str, str]:
        return {"request-id": f"req_{seed}"}


def _message(prompt: Prompt, reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id("msg_01", digits=22),
        "type": "message",
        "role": "assistant",
        "model": prompt.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _end(reply: Reply) -> dict[str, Any]:
    if reply.stop_word is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": reply.stop_word}
    return {"stop_reason": _STOP.get(reply.finish, reply.finish), "stop_sequence": None}


def _blocks(reply: Reply) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield every block, whole, and the deltas that build it."""
    if reply.reasoning:
        signature = base64.b64encode(reply.seed.encode()).decode()
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in reply.pieces(reply.reasoning)]
        deltas.append({"type": "signature_delta", "signature": signature})
        yield {"type": "thinking", "thinking": reply.reasoning, "signature": signature}, deltas
    if reply.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces(reply.text)]
        yield {"type": "text", "text": reply.text}, deltas
    for place, call in enumerate(reply.calls):
        block = {
            "type": "tool_use",
            "id": call.id or reply.id("toolu_01", place, digits=22),
            "name": call.name,
            "input": call.arguments_object,
        }
        pieces = ["", *reply.pieces(call.arguments_text)]
        yield block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _emptied(block: Mapping[str, Any]) -> dict[str, Any]:
    """The block as it is announced, before its deltas."""
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) for key, value in block.items()}


def _usage(reply: Reply) -> dict[str, Any]:
    count = reply.count
    usage: dict[str, Any] = {
        "input_tokens": count.prompt - count.cache_read - count.cache_write,
        "cache_creation_input_tokens": count.cache_write,
        "cache_read_input_tokens": count.cache_read,
        "output_tokens": count.completion,
        "service_tier": "standard",
    }
    if count.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": count.reasoning}
    return usage


def _error(status: int, message: str | None) -> dict[str, Any]:
    kind, words = of_status(_ERRORS, status)
    return {"type": "error", "error": {"type": kind, "message": message or words}}
