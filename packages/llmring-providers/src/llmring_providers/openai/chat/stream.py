"""The stream of a chat completion.

https://platform.openai.com/docs/api-reference/chat-streaming
The terminal event is ``data: [DONE]``; some hosts leave it out, then the chunk with ``finish_reason`` counts.
"""

from typing import Any

import msgspec
from llmring_types import StreamChunk, ToolCall, Usage, tool_call

from llmring_providers._protocol import ChatCall
from llmring_providers._sse import Event
from llmring_providers._stream import BaseStreamDecoder
from llmring_providers.openai.chat.response import finish_reason, native_of, text_of, usage_of
from llmring_providers.openai.chat.wire import (
    Call,
    Choice,
    Completion,
    Function,
    WireMessage,
    decode_completion,
)
from llmring_providers.openai.errors import body_error

_DONE = b"[DONE]"


class _CallSlot:
    """A tool call as its pieces come."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    def add(self, piece: Call) -> None:
        if piece.id and not self.id:
            self.id = piece.id
        self.add_function(piece.function or Function())

    def add_function(self, function: Function) -> None:
        if function.name and function.name != self.name:  # some hosts repeat the whole name in every piece
            self.name += function.name
        arguments = function.arguments
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            self.arguments.append(arguments)


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call)
        self._slots: dict[int, _CallSlot] = {}
        self._word: str | None = None
        self._usage: Usage | None = None
        self._id: str | None = None
        self._served: str | None = None
        self._refused = False
        self._logprobs: list[Any] = []
        self._annotations: list[Any] = []

    def partial(self) -> StreamChunk:
        calls: list[ToolCall] = [
            tool_call(slot.id or f"call_{index}", slot.name, "".join(slot.arguments))
            for index, slot in sorted(self._slots.items())
        ]
        return StreamChunk(
            model=self._model,
            finish_reason=finish_reason(self._word, called=bool(calls), refused=self._refused),
            usage=self._usage,
            tool_calls=calls or None,
            provider_finish_reason=self._word,
            provider_model=self._served,
            response_id=self._id,
            native=native_of(self._call, annotations=self._annotations, logprobs=self._joined_logprobs()),
        )

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        if event.data == _DONE:
            self.done = True
            if self._word is None:
                self._word = "stop" if not self._slots else "tool_calls"
            chunks.append(self.partial())
            return
        part = decode_completion(event.data)
        if part.error and not part.choices:
            raise body_error(part.error, self._call)
        self._remember(part)
        for choice in part.choices or ():
            if not choice.index:  # n > 1 has no neutral form: the first answer is the answer
                self._choice(choice, chunks)

    def _last_without_terminal(self) -> StreamChunk | None:
        return self.partial() if self._word is not None else None

    def _remember(self, part: Completion) -> None:
        if part.usage is not None:
            self._usage = usage_of(part.usage)
        if part.id and self._id is None:
            self._id = part.id
        if part.model:
            self._served = part.model

    def _choice(self, choice: Choice, chunks: list[StreamChunk]) -> None:
        delta = choice.delta or choice.message or WireMessage()
        text = text_of(delta.content)
        if delta.refusal:
            self._refused = True
            text = text or delta.refusal
        reasoning = delta.reasoning_content or delta.reasoning
        if text or reasoning:
            chunks.append(
                StreamChunk(
                    delta=text, model=self._model, reasoning=reasoning or None, refusal=delta.refusal or None
                )
            )
        for piece in delta.tool_calls or ():
            index = piece.index if piece.index is not None else len(self._slots)
            self._slots.setdefault(index, _CallSlot()).add(piece)
        if delta.function_call is not None:
            self._slots.setdefault(0, _CallSlot()).add_function(delta.function_call)
        if choice.finish_reason:
            self._word = choice.finish_reason
        if choice.logprobs:
            self._logprobs.append(choice.logprobs)
        if delta.annotations:
            self._annotations.extend(delta.annotations)

    def _joined_logprobs(self) -> dict[str, Any] | None:
        joined: dict[str, Any] = {}
        for piece in self._logprobs:
            for name, value in piece.items():
                if isinstance(value, list):
                    joined.setdefault(name, []).extend(value)
        return joined or None
