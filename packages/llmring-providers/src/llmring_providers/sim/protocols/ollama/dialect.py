"""Ollama's own chat endpoint, from the provider's side.

https://docs.ollama.com/api/chat
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import FinishReason

from llmring_providers.sim.dialect import GARBAGE, Reply, of_status
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.protocols.ollama.prompt import read

_CREATED = "2026-01-01T00:00:00.000000Z"
_NANOSECONDS_PER_TOKEN = 1_000_000
_DONE: Mapping[FinishReason, str] = {"tool_calls": "stop"}
_ERRORS = {
    400: "invalid request",
    401: "unauthorized",
    403: "forbidden",
    404: "model not found, try pulling it first",
    413: "request too large",
    429: "you have reached your usage limit",
    500: "internal server error",
    503: "server busy, please try again.  maximum pending requests exceeded",
}


class OllamaChat:
    name = "ollama"
    stream_type = "application/x-ndjson"
    wait_in_body = False

    def read(self, path: str, body: bytes) -> Prompt:  # noqa: ARG002
        return read(body)

    def models(self, names: Sequence[str]) -> bytes:
        """https://docs.ollama.com/api/tags"""
        details = {
            "format": "gguf",
            "family": "simulated",
            "parameter_size": "0B",
            "quantization_level": "F16",
        }
        common = {"modified_at": _CREATED, "size": 0, "digest": "0" * 64, "details": details}
        return msgspec.json.encode({"models": [{"name": name, "model": name, **common} for name in names]})

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.reasoning:
            message["thinking"] = reply.reasoning
        if reply.calls:
            message["tool_calls"] = _calls(reply)
        return msgspec.json.encode({**_head(prompt), "message": message, **_end(reply)})

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        head = _head(prompt)
        events = [
            {**head, "message": {"role": "assistant", **said}, "done": False} for said in _messages(reply)
        ]
        events.append({**head, "message": {"role": "assistant", "content": ""}, **_end(reply)})
        return [msgspec.json.encode(event) + b"\n" for event in events]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:  # noqa: ARG002
        return msgspec.json.encode({"error": message or of_status(_ERRORS, status)})

    def error_event(self, status: int, message: str | None) -> bytes:
        return self.error(status, message, None) + b"\n"

    def malformed_event(self) -> bytes:
        return GARBAGE + b"\n"

    def headers(self, seed: str) -> Mapping[str, str]:  # noqa: ARG002
        return {}


def _head(prompt: Prompt) -> dict[str, Any]:
    return {"model": prompt.model, "created_at": _CREATED}


def _messages(reply: Reply) -> Iterable[dict[str, Any]]:
    for piece in reply.pieces(reply.reasoning):
        yield {"content": "", "thinking": piece}
    for piece in reply.pieces(reply.text):
        yield {"content": piece}
    if reply.calls:
        yield {"content": "", "tool_calls": _calls(reply)}


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id or reply.id("call_", place, digits=8),
            "function": {"index": place, "name": call.name, "arguments": call.arguments_object},
        }
        for place, call in enumerate(reply.calls)
    ]


def _end(reply: Reply) -> dict[str, Any]:
    count = reply.count
    prompt_time, answer_time = (
        count.prompt * _NANOSECONDS_PER_TOKEN,
        count.completion * _NANOSECONDS_PER_TOKEN,
    )
    return {
        "done": True,
        "done_reason": _DONE.get(reply.finish, reply.finish),
        "total_duration": prompt_time + answer_time,
        "load_duration": 0,
        "prompt_eval_count": count.prompt,
        "prompt_eval_duration": prompt_time,
        "eval_count": count.completion,
        "eval_duration": answer_time,
    }
