"""OpenAI's chat completions, from the provider's side.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming/streaming
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from llmring_types import FinishReason, function_spec
from llmring_types.exceptions import ValidationError

from llmring_providers.sim.dialect import FIXED_TIME, GARBAGE, Reply
from llmring_providers.sim.prompt import Prompt, Speaker, Tool, Turn, UnreadablePromptError

_Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
_SPEAKERS: Mapping[_Role, Speaker] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_FINISH: Mapping[FinishReason, str] = {"error": "stop", "other": "stop"}
_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}
_OTHER_ERROR = ("server_error", None, "The server had an error while processing your request.")


class _Function(msgspec.Struct):
    name: str = ""


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    role: _Role
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Format(msgspec.Struct):
    type: str
    json_schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> Mapping[str, Any] | None:
        """The schema of the answer, as in :attr:`Prompt.schema`."""
        if self.type == "json_schema":
            return (self.json_schema or {}).get("schema") or {}
        return {} if self.type == "json_object" else None


class _Request(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    reasoning_effort: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None


_read = msgspec.json.Decoder(_Request).decode


class OpenAIChat:
    name = "openai"
    stream_type = "text/event-stream; charset=utf-8"

    def read(self, path: str, body: bytes) -> Prompt:  # noqa: ARG002
        wire = _read(body)
        if not wire.messages:
            raise UnreadablePromptError("[] is too short - 'messages'")
        return Prompt(
            protocol=self.name,
            model=wire.model,
            turns=tuple(_turns(wire.messages)),
            stream=bool(wire.stream),
            max_tokens=wire.max_completion_tokens or wire.max_tokens,
            stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
            reasoning=wire.reasoning_effort not in (None, "none"),
            tools=read_tools(wire.tools),
            forced=forced(wire.tool_choice),
            parallel=wire.parallel_tool_calls is not False,
            schema=wire.response_format.wanted if wire.response_format else None,
            usage_in_stream=bool(wire.stream_options and wire.stream_options.include_usage),
        )

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
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
        return msgspec.json.encode(
            {**_head(prompt, reply, "chat.completion"), "choices": [choice], "usage": _usage(reply)}
        )

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        head = _head(prompt, reply, "chat.completion.chunk")
        if prompt.usage_in_stream:
            head["usage"] = None
        events = [
            _event(
                {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
            )
            for delta in _deltas(reply)
        ]
        last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish(reply)}
        events.append(_event({**head, "choices": [last]}))
        if prompt.usage_in_stream:
            events.append(_event({**head, "choices": [], "usage": _usage(reply)}))
        return [*events, b"data: [DONE]\n\n"]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:  # noqa: ARG002
        return msgspec.json.encode({"error": _error(status, message)})

    def error_event(self, status: int, message: str | None) -> bytes:
        return _event({"error": _error(status, message)})

    def malformed_event(self) -> bytes:
        return b"data: " + GARBAGE + b"\n\n"

    def headers(self, seed: str) -> Mapping[str, str]:
        return {"x-request-id": f"req_{seed}"}


def read_tools(tools: Iterable[Mapping[str, Any]] | None) -> tuple[Tool, ...]:
    """The functions among the tools, nested or flat; a provider's own tools are left out."""
    try:
        specs = [function_spec(tool) for tool in tools or ()]
    except ValidationError as error:
        raise UnreadablePromptError(str(error)) from error
    return tuple(Tool(spec["name"], spec.get("parameters") or {}) for spec in specs if spec is not None)


def forced(choice: str | Mapping[str, Any] | None) -> bool | str | None:
    """What a tool choice forces; see :attr:`Prompt.forced`."""
    if isinstance(choice, Mapping):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        return name if isinstance(name, str) else None
    return {"none": False, "required": True}.get(choice or "")


def text_of(content: str | Sequence[Mapping[str, Any]] | None) -> str:
    """The text of a content; a part that is no text is named in brackets."""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text") or f"[{part.get('type')}]") for part in content or ())


def _turns(messages: Iterable[_Message]) -> Iterable[Turn]:
    names: dict[str | None, str] = {}
    for message in messages:
        for call in message.tool_calls or ():
            names[call.id] = call.function.name if call.function else ""
        yield Turn(
            _SPEAKERS[message.role],
            text_of(message.content),
            names.get(message.tool_call_id, "") or message.name or "",
        )


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


def _finish(reply: Reply) -> str:
    return _FINISH.get(reply.finish, reply.finish)


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


def _event(data: Mapping[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def _error(status: int, message: str | None) -> dict[str, Any]:
    kind, code, words = _ERRORS.get(status, _OTHER_ERROR)
    return {"message": message or words, "type": kind, "param": None, "code": code}
