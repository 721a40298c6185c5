"""The output items of the responses API: reasoning, message, function calls."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from llmring_providers.sim.dialect import Reply


class Item(msgspec.Struct, kw_only=True, frozen=True):
    """One item, and how it is streamed.

    Attributes:
        whole: as it is in the answer.
        empty: fields of it that are still empty when it is announced.
        text: what is streamed of it, in events whose names begin with ``event``.
        text_key: the name that the closing event has for the text.
        part: the part of the item that the text belongs to, announced by events that begin with ``part_event``.
        index: of that part.
        more: what else the events with text have.
    """

    whole: Mapping[str, Any]
    empty: Mapping[str, Any]
    text: str
    event: str
    text_key: str = "text"
    part: Mapping[str, Any] = msgspec.field(default_factory=dict)
    part_event: str = ""
    index: Mapping[str, int] = msgspec.field(default_factory=dict)
    more: Mapping[str, Any] = msgspec.field(default_factory=dict)


def items(reply: Reply) -> list[Item]:
    """Return the items of an answer, in order."""
    found = [_reasoning(reply)] if reply.reasoning else []
    if reply.text or not reply.calls:
        found.append(_message(reply))
    return found + [_call(reply, place) for place in range(len(reply.calls))]


def _reasoning(reply: Reply) -> Item:
    part = {"type": "summary_text", "text": reply.reasoning}
    return Item(
        whole={
            "id": reply.id("rs_", digits=48),
            "type": "reasoning",
            "status": "completed",
            "summary": [part],
            "encrypted_content": base64.b64encode(reply.seed.encode()).decode(),
        },
        empty={"summary": []},
        text=reply.reasoning,
        event="response.reasoning_summary_text",
        part=part,
        part_event="response.reasoning_summary_part",
        index={"summary_index": 0},
    )


def _message(reply: Reply) -> Item:
    part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    return Item(
        whole={
            "id": reply.id("msg_", digits=48),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        },
        empty={"content": []},
        text=reply.text,
        event="response.output_text",
        part=part,
        part_event="response.content_part",
        index={"content_index": 0},
        more={"logprobs": []},
    )


def _call(reply: Reply, place: int) -> Item:
    call = reply.calls[place]
    return Item(
        whole={
            "id": reply.id("fc_", place, digits=48),
            "type": "function_call",
            "status": "completed",
            "call_id": call.id or reply.id("call_", place),
            "name": call.name,
            "arguments": call.arguments_text,
        },
        empty={"arguments": ""},
        text=call.arguments_text,
        text_key="arguments",
        event="response.function_call_arguments",
    )
