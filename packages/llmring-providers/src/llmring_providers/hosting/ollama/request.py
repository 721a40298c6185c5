"""Reads requests of Ollama's own endpoints: https://docs.ollama.com/api/chat, https://docs.ollama.com/api/generate"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from llmring_types import tool_call
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.codec import HostedRequest, Route
from llmring_providers.hosting.reading import built, document, effort_of, rest_of, typed, unknown
from llmring_providers.ollama.request import FIELDS

VENDOR = "ollama"
_SWITCHED_ON = "medium"
"""The effort that ``think: true`` stands for: a level in the middle, which models without levels take as on."""
_IMAGES = {"/9j/": "image/jpeg", "iVBOR": "image/png", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""First characters of base64 images by type: the protocol names no media type."""


class _Function(msgspec.Struct):
    name: str
    arguments: dict[str, Any] | str | None = None


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    images: list[str] | None = None
    thinking: str | None = None
    tool_calls: list[_Call] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message] = []
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    think: bool | str | None = None
    tools: list[dict[str, Any]] | None = None


class _Prompt(msgspec.Struct):
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None


_OF_LOCAL_MODELS = ("raw", "suffix", "template")
"""Fields of a prompt that only a server with the model itself can heed."""


class _Options(msgspec.Struct):
    temperature: float | None = None
    num_predict: int | None = None


def read(route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG001 - none matters
    """Read a request, which is one for a stream unless it says otherwise; see :meth:`Codec.read`."""
    fields = document(body)
    unread: list[str] = []
    if route.operation == "generate":
        fields = _as_chat(fields, unread)
    wire = typed(fields, _Body)
    options = typed(wire.options or {}, _Options, "options")
    extra = rest_of(fields, _Body)
    for name, value in rest_of(wire.options or {}, _Options).items():
        if name in FIELDS:  # beside the options it would mean another thing
            extra.setdefault("options", {})[name] = value
        else:
            extra[name] = value
    limit = options.num_predict
    if limit is not None and limit <= 0:  # without a limit, or up to the end of the context
        extra["num_predict"], limit = limit, None
    for place, message in enumerate(fields.get("messages") or ()):
        unread += unknown(message, _Message.__struct_fields__, f"messages[{place}]")
    request = built(
        messages=list(_Messages(wire.messages).read()),
        model=wire.model,
        temperature=options.temperature,
        max_tokens=limit,
        reasoning_effort=_effort(wire.think, extra),
        tools=wire.tools,
        response_format=_response_format(wire.format),
        extra_params=extra,
    )
    return HostedRequest(request=request, route=route, stream=wire.stream is not False, unread=tuple(unread))


def _as_chat(fields: Mapping[str, Any], unread: list[str]) -> dict[str, Any]:
    """Return the body of a prompt as that of a chat.

    Raises:
        ValidationError: it asks for what only a local model can do.
    """
    if wanted := [name for name in _OF_LOCAL_MODELS if fields.get(name)]:
        raise ValidationError(
            f"{wanted[0]} is for local models: leave it out, or use /api/chat", field=wanted[0]
        )
    given = typed(fields, _Prompt)
    if fields.get("context"):
        unread.append("context")
    rest = rest_of(fields, _Prompt)
    for name in ("context", *_OF_LOCAL_MODELS):
        rest.pop(name, None)
    messages: list[dict[str, Any]] = [{"role": "system", "content": given.system}] if given.system else []
    user = {
        "role": "user",
        "content": given.prompt or "",
        **({"images": given.images} if given.images else {}),
    }
    return {**rest, "messages": [*messages, user]}


def named_model(body: bytes) -> str:
    """Return the model that ``/api/show`` is asked about.

    Raises:
        ValidationError: the body names none.
    """
    fields = document(body)
    name = fields.get("model") or fields.get("name")
    if not isinstance(name, str):
        raise ValidationError("the body names no model", field="model")
    return name


def _effort(think: bool | str | None, extra: dict[str, Any]) -> Any:
    if think is None or isinstance(think, bool):
        return {True: _SWITCHED_ON, False: "none"}.get(think) if think is not None else None
    if effort_of(think) is None:
        extra["think"] = think
    return effort_of(think)


def _response_format(wanted: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(wanted, Mapping):
        return {"type": "json_schema", "json_schema": {"schema": wanted}}
    return {"type": "json_object"} if wanted == "json" else None


class _Messages:
    """Gives calls ids: the protocol knows a result by its place, or by the name of its tool."""

    def __init__(self, messages: list[_Message]) -> None:
        self._messages = messages
        self._calls = 0
        self._waiting: list[tuple[str, str]] = []
        """Calls without a result yet, oldest first: name and id."""

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the messages as :class:`LLMRequest` reads them."""
        for message in self._messages:
            read: dict[str, Any] = {"role": message.role, "content": _content(message)}
            if message.role == "tool":
                read |= self._result(message)
            if message.tool_calls:
                read["tool_calls"] = [self._call(call) for call in message.tool_calls]
                read["content"] = read["content"] or None
            if message.thinking:
                native = {"provider": VENDOR, "replay": [{"thinking": message.thinking}]}
                read["metadata"] = {"native": native}
            yield read

    def _call(self, call: _Call) -> Any:
        call_id = call.id or f"call_{self._calls}"
        self._calls += 1
        self._waiting.append((call.function.name, call_id))
        return tool_call(call_id, call.function.name, call.function.arguments)

    def _result(self, message: _Message) -> dict[str, Any]:
        call_id = message.tool_call_id
        for at, (name, waiting) in enumerate(self._waiting):
            if waiting == call_id or (call_id is None and message.tool_name in (None, name)):
                del self._waiting[at]
                return {"tool_call_id": waiting, "name": name}
        return {"tool_call_id": call_id, "name": message.tool_name}


def _content(message: _Message) -> Any:
    if not message.images:
        return message.content or ""
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
    for data in message.images:
        kind = next((kind for begin, kind in _IMAGES.items() if data.startswith(begin)), "image/png")
        parts.append({"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}})
    return parts
