"""OpenAI's responses API, from the provider's side.

https://platform.openai.com/docs/api-reference/responses/object
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from llmring_providers.sim.dialect import FIXED_TIME, GARBAGE, Reply, server_event
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.protocols.openai.errors import error_body, models
from llmring_providers.sim.protocols.responses.items import Item, items
from llmring_providers.sim.protocols.responses.prompt import read

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter", "other": "other"}


class OpenAIResponses:
    name = "responses"
    stream_type = "text/event-stream; charset=utf-8"
    wait_in_body = False

    def read(self, path: str, body: bytes) -> Prompt:  # noqa: ARG002
        return read(body)

    def models(self, names: Sequence[str]) -> bytes:
        return models(names)

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        return msgspec.json.encode(_ended(prompt, reply, items(reply)))

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        said = items(reply)
        ended = _ended(prompt, reply, said)
        begun = {**ended, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
        events: list[tuple[str, Mapping[str, Any]]] = [
            ("response.created", {"response": begun}),
            ("response.in_progress", {"response": begun}),
        ]
        for place, item in enumerate(said):
            events += [(name, {"output_index": place, **data}) for name, data in _item_events(item, reply)]
        events.append((f"response.{ended['status']}", {"response": ended}))
        return [
            server_event({"type": name, "sequence_number": number, **data}, name)
            for number, (name, data) in enumerate(events)
        ]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:  # noqa: ARG002
        return msgspec.json.encode({"error": error_body(status, message)})

    def error_event(self, status: int, message: str | None) -> bytes:
        return server_event(
            {"type": "error", "sequence_number": 0, "error": error_body(status, message)}, "error"
        )

    def malformed_event(self) -> bytes:
        return server_event(GARBAGE, "response.output_text.delta")

    def headers(self, seed: str) -> Mapping[str, str]:
        return {"x-request-id": f"req_{seed}"}


def _item_events(item: Item, reply: Reply) -> Iterable[tuple[str, Mapping[str, Any]]]:
    begun = {**item.whole, **item.empty, "status": "in_progress"}
    ids = {"item_id": item.whole["id"], **item.index}
    yield "response.output_item.added", {"item": begun}
    if item.part_event:
        yield f"{item.part_event}.added", {**ids, "part": {**item.part, "text": ""}}
    for piece in reply.pieces(item.text):
        yield f"{item.event}.delta", {**ids, **item.more, "delta": piece}
    yield f"{item.event}.done", {**ids, **item.more, item.text_key: item.text}
    if item.part_event:
        yield f"{item.part_event}.done", {**ids, "part": item.part}
    yield "response.output_item.done", {"item": item.whole}


def _ended(prompt: Prompt, reply: Reply, said: Sequence[Item]) -> dict[str, Any]:
    reason = _INCOMPLETE.get(reply.finish)
    failed = reply.finish == "error"
    count = reply.count
    return {
        "id": reply.id("resp_", digits=48),
        "object": "response",
        "created_at": FIXED_TIME,
        "status": "failed" if failed else "incomplete" if reason else "completed",
        "error": error_body(500, None) if failed else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "max_output_tokens": prompt.max_tokens,
        "metadata": {},
        "model": prompt.model,
        "output": [item.whole for item in said],
        "parallel_tool_calls": prompt.parallel,
        "previous_response_id": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": count.prompt,
            "input_tokens_details": {
                "cached_tokens": count.cache_read,
                "cache_write_tokens": count.cache_write,
            },
            "output_tokens": count.completion,
            "output_tokens_details": {"reasoning_tokens": count.reasoning},
            "total_tokens": count.total,
        },
    }
