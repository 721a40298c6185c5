"""Reads a request of Ollama's own chat endpoint.

https://docs.ollama.com/api/chat
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from llmring_providers.sim.prompt import Prompt, Turn
from llmring_providers.sim.protocols._reading import read_tools


class _Message(msgspec.Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: list[str] | None = None
    tool_name: str | None = None


class _Options(msgspec.Struct):
    num_predict: int | None = None
    stop: str | list[str] | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message] = []
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: _Options | None = None
    think: bool | str | None = None
    tools: list[dict[str, Any]] | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(body: bytes) -> Prompt:
    """Read a request, which is one for a stream unless it says otherwise; see :meth:`Dialect.read`."""
    wire = _decode(body)
    options = wire.options or _Options()
    limit = options.num_predict
    return Prompt(
        protocol="ollama",
        model=wire.model,
        turns=tuple(_turns(wire.messages)),
        stream=wire.stream is not False,
        max_tokens=limit if limit is not None and limit > 0 else None,
        stop=(options.stop,) if isinstance(options.stop, str) else tuple(options.stop or ()),
        reasoning=bool(wire.think),
        tools=read_tools(wire.tools),
        schema=wire.format if isinstance(wire.format, dict) else {} if wire.format == "json" else None,
    )


def _turns(messages: Iterable[_Message]) -> Iterable[Turn]:
    for message in messages:
        said = [message.content or "", *("[image]" for _ in message.images or ())]
        yield Turn(message.role, " ".join(filter(None, said)), message.tool_name or "")
