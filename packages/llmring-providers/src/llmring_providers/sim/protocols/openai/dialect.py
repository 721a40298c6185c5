"""OpenAI's chat completions, from the provider's side.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming/streaming
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from llmring_providers.sim.dialect import FIXED_TIME, GARBAGE, Reply, server_event
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.protocols.openai.errors import error_body, models
from llmring_providers.sim.protocols.openai.prompt import read


class OpenAIChat:
    name = "openai"
    stream_type = "text/event-stream; charset=utf-8"
    wait_in_body = False

    def read(self, path: str, body: bytes) -> Prompt:  # noqa: ARG002
        return read(body)

    def models(self, names: Sequence[str]) -> bytes:
        return models(names)

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": reply.text or (None if reply.calls else ""),
            "refusal": None,
            "annotations": [],
        }
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        if reply.calls:
            message["tool_calls"] = [_call(reply, place) for place in range(len(reply.calls))]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        return msgspec.json.encode(
            {**_head(prompt, reply, "chat.completion"), "choices": [choice], "usage": _usage(reply)}
        )

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        head = _head(prompt, reply, "chat.completion.chunk")
        if prompt.usage_in_stream:
            head["usage"] = None
        events = [
            server_event(
                {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
            )
            for delta in _deltas(reply)
        ]
        last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": reply.finish}
        events.append(server_event({**head, "choices": [last]}))
        if prompt.usage_in_stream:
            events.append(server_event({**head, "choices": [], "usage": _usage(reply)}))
        return [*events, server_event(b"[DONE]")]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:  # noqa: ARG002
        return msgspec.json.encode({"error": error_body(status, message)})

    def error_event(self, status: int, message: str | None) -> bytes:
        return server_event({"error": error_body(status, message)})

    def malformed_event(self) -> bytes:
        return server_event(GARBAGE)

    def headers(self, seed: str) -> Mapping[str, str]:
        return {"x-request-id": f"req_{seed}"}


def _head(prompt: Prompt, reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id("chatcmpl-", digits=29),
        "object": kind,
        "created": FIXED_TIME,
        "model": prompt.model,
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _deltas(reply: Reply) -> Iterable[dict[str, Any]]:
    yield {"role": "assistant", "content": None if reply.calls and not reply.text else "", "refusal": None}
    for piece in reply.pieces(reply.reasoning):
        yield {"reasoning_content": piece}
    for piece in reply.pieces(reply.text):
        yield {"content": piece}
    for place, call in enumerate(reply.calls):
        begun = _call(reply, place)
        begun["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": place, **begun}]}
        for piece in reply.pieces(call.arguments_text):
            yield {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}


def _call(reply: Reply, place: int) -> dict[str, Any]:
    call = reply.calls[place]
    return {
        "id": call.id or reply.id("call_", place),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_text},
    }


def _usage(reply: Reply) -> dict[str, Any]:
    count = reply.count
    cached = {"cached_tokens": count.cache_read, "audio_tokens": 0}
    if count.cache_write:
        cached["cache_write_tokens"] = count.cache_write
    return {
        "prompt_tokens": count.prompt,
        "completion_tokens": count.completion,
        "total_tokens": count.total,
        "prompt_tokens_details": cached,
        "completion_tokens_details": {
            "reasoning_tokens": count.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
