"""A chat answer as the neutral response."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from llmring_types import FinishReason, LLMRequest, LLMResponse, ToolCall, Usage, tool_call

from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.ollama.errors import body_error
from llmring_providers.ollama.wire import Function, Part, WireMessage, decode_lax_part

_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
"""The other words, ``load`` and ``unload``, answer a request without messages."""

_NO_REASONS = frozenset({"load", "unload"})
_NO_PART = Part()
_TIMINGS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is not a chat answer, or only the beginning of one.
        ProviderError: the server reports an error with status 200.
    """
    parts = _parts(body, call)
    gathered = Gathered(call)
    try:
        for part in parts:
            gathered.take(part)
    except DECODE_ERRORS as error:
        raise malformed("the answer is not a chat answer", call, error) from error
    texts = [part.message.content or "" for part in parts if part.message is not None]
    if not texts:
        raise malformed("the answer has no message", call)
    if not gathered.done:
        raise malformed("the answer ends before the model had finished", call)
    gathered.check()
    return LLMResponse(content="".join(texts), reasoning=gathered.thinking(), **gathered.closing())


def _parts(body: bytes, call: ChatCall) -> list[Part]:
    """Read one document, or lines where the server streams although it was told not to."""
    try:
        return [decode_lax_part(body)]
    except DECODE_ERRORS as error:
        lines = [line for line in body.split(b"\n") if line.strip()]
        try:
            if len(lines) > 1:
                return [decode_lax_part(line) for line in lines]
        except DECODE_ERRORS:
            pass
        raise malformed("the answer is not a chat answer", call, error) from error


class _Made(NamedTuple):
    """A call whose id may be empty."""

    id: str
    name: str
    arguments: str


class Gathered:
    """Fields gathered over one answer, besides text and reasoning, which a stream passes on as they come."""

    def __init__(self, call: ChatCall) -> None:
        self.done = False
        self._spoke = False
        self._call = call
        self._last = _NO_PART
        self._served: str | None = None
        self._thinking: list[str] = []
        self._calls: list[_Made] = []
        self._logprobs: list[Any] = []
        self._images: list[Any] = []

    def take(self, part: Part) -> None:
        """Take the next part.

        Raises:
            ProviderError: it reports an error.
            UnicodeDecodeError: the arguments of a call are not text.
            msgspec.DecodeError: nor are they JSON.
        """
        if part.error:
            raise body_error(part.error, self._call)
        message = part.message
        if message is not None:
            if not self._spoke:
                self._spoke = bool(message.content or message.thinking or message.tool_calls)
            if message.thinking or message.tool_calls or message.images:
                self._take_beyond_text(message)
        if part.logprobs:
            self._logprobs += part.logprobs
        if self._served is None:
            self._served = part.model
        if part.done:
            self.done = True
            self._last = part

    def _take_beyond_text(self, message: WireMessage) -> None:
        if message.thinking:
            self._thinking.append(message.thinking)
        if message.tool_calls:
            self._calls += [_read(wire.id, wire.function) for wire in message.tool_calls if wire.function]
        if message.images:
            self._images += message.images

    def check(self) -> None:
        """Refuse an answer that only says that the model was loaded: as good as none, and worth another try.

        Raises:
            MalformedResponseError: it is one.
        """
        if self._last.done_reason in _NO_REASONS and self._call.request.messages and not self._spoke:
            raise malformed(
                f"the server generated nothing: done_reason is {self._last.done_reason!r}", self._call
            )

    def closing(self) -> dict[str, Any]:
        """Return the fields that a response and the last chunk of a stream have in common."""
        calls = tool_calls(self._calls, self._call.request)
        last = self._last
        return {
            "model": str(self._call.ref),
            "usage": usage_of(last),
            "finish_reason": finish_reason(last.done_reason, called=bool(calls)) if self.done else None,
            "tool_calls": calls or None,
            "provider_finish_reason": last.done_reason,
            "provider_model": last.model or self._served,
            "native": self._native(),
        }

    def thinking(self) -> str | None:
        """Return the reasoning text."""
        return "".join(self._thinking) if self._thinking else None

    def _native(self) -> dict[str, Any] | None:
        last = self._last
        said: dict[str, Any] = {}
        if (thinking := self.thinking()) is not None:
            said["replay"] = [{"thinking": thinking}]
        if self._logprobs:
            said["logprobs"] = self._logprobs
        if self._images:
            said["images"] = self._images
        if timings := {name: value for name in _TIMINGS if (value := getattr(last, name)) is not None}:
            said["timings"] = timings
        if last.remote_model:
            said["remote_model"] = last.remote_model
        if last.remote_host:
            said["remote_host"] = last.remote_host
        return {"provider": self._call.ref.provider, **said} if said else None


def finish_reason(word: str | None, *, called: bool) -> FinishReason:
    """The neutral word. Servers say ``stop`` after tool calls too; those before 0.1.38 only say ``done``."""
    found = _FINISH.get(word or "stop", "other")
    return "tool_calls" if called and found == "stop" else found


def usage_of(part: Part) -> Usage | None:
    """Token counts in the neutral keys. Some servers leave out the prompt's count when they had it cached."""
    usage: Usage = {}
    if part.prompt_eval_count is not None:
        usage["prompt_tokens"] = part.prompt_eval_count
    if part.eval_count is not None:
        usage["completion_tokens"] = part.eval_count
    if part.prompt_eval_count is not None and part.eval_count is not None:
        usage["total_tokens"] = part.prompt_eval_count + part.eval_count
    return usage or None


def tool_calls(calls: list[_Made], request: LLMRequest) -> list[ToolCall]:
    """The calls in the neutral form, those without an id with the next one that the conversation has not used."""
    if not calls:
        return []
    fresh = _fresh_ids(request, {made.id for made in calls})
    return [tool_call(made.id or next(fresh), made.name, made.arguments) for made in calls]


def _fresh_ids(request: LLMRequest, used: set[str]) -> Iterator[str]:
    used |= {str(call.get("id")) for message in request.messages for call in message.tool_calls or ()}
    number = 0
    while True:
        number += 1
        if (name := f"call_{number}") not in used:
            yield name


def _read(call_id: str | int | None, function: Function) -> _Made:
    text = bytes(function.arguments).decode()
    if text.startswith('"'):  # hosts that copy OpenAI's form put the object into a text
        text = msgspec.json.decode(text, type=str)
    elif text == "null":
        text = ""
    return _Made(str(call_id) if call_id else "", function.name or "", text)
