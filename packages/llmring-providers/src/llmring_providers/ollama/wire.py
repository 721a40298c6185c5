"""The fields of a chat answer that we read: https://docs.ollama.com/api/chat

A whole answer and a line of a stream have the same form. Servers leave out what is zero or empty.
"""

from typing import Any

import msgspec

from llmring_providers._json import decoder_of


class Function(msgspec.Struct):
    """``arguments`` is an object; it is kept as the server wrote it, with the order of its keys and all digits."""

    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")


class Call(msgspec.Struct):
    """A tool call. Servers before 0.12 give no ``id``."""

    id: str | int | None = None
    function: Function | None = None


class WireMessage(msgspec.Struct, gc=False):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None
    images: list[Any] | None = None


class Part(msgspec.Struct, gc=False):
    """A whole answer, or what a line of a stream adds to it. Durations are nanoseconds."""

    model: str | None = None
    remote_model: Any = None
    remote_host: Any = None
    """The host that answered, where the server only passes the request on."""
    message: WireMessage | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None
    logprobs: list[Any] | None = None
    error: Any = None


decode_part = msgspec.json.Decoder(Part).decode
decode_lax_part = decoder_of(Part)
"""Reads numbers that come as text, too."""
