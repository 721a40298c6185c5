"""The stream of a chat completion.

https://platform.openai.com/docs/api-reference/chat-streaming
The terminal event is ``data: [DONE]``; some hosts leave it out, then the chunk with ``finish_reason`` counts.
"""

from typing import Any

import msgspec
from llmring_types import StreamChunk, Usage

from llmring_providers._json import malformed
from llmring_providers._protocol import ChatCall
from llmring_providers._sse import Event
from llmring_providers._stream import BaseStreamDecoder
from llmring_providers.openai.chat.calls import CallPieces
from llmring_providers.openai.chat.response import (
    CHOICE_EXTRAS,
    COMPLETION_EXTRAS,
    MESSAGE_EXTRAS,
    extras,
    finish_reason,
    finish_word,
    native_of,
    neutral_call,
    reasoning_of,
    replay,
    text_of,
    usage_of,
)
from llmring_providers.openai.chat.wire import Call, Choice, Completion, WireMessage, decode_completion
from llmring_providers.openai.errors import body_error

_DONE = b"[DONE]"


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call)
        self._answered = False
        self._refused = False
        self._calls = CallPieces()
        self._reasoning_content: list[str] = []
        self._word: str | None = None
        self._usage: Usage | None = None
        self._id: str | None = None
        self._served: str | None = None
        self._said: dict[str, Any] = {}

    def partial(self) -> StreamChunk:
        made = self._calls.whole()
        calls = [neutral_call(call, place) for place, call in enumerate(made)]
        ended = self.done or self._word is not None
        block = replay(made, self._said, "".join(self._reasoning_content))
        return StreamChunk(
            model=self._model,
            finish_reason=finish_reason(self._word, called=bool(calls), refused=self._refused)
            if ended
            else None,
            usage=self._usage,
            tool_calls=calls or None,
            provider_finish_reason=self._word,
            provider_model=self._served,
            response_id=self._id,
            native=native_of(self._call, self._said, block),
        )

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        data = event.data
        if data.startswith(_DONE):
            if not self._answered:
                raise malformed("the stream ended without an answer", self._call)
            self.done = True
            chunks.append(self.partial())
            return
        if not data:  # a sign of life
            return
        part = decode_completion(data)
        if part.error or part.object == "error" or event.name == b"error":
            raise body_error(part.error or msgspec.json.decode(data), self._call)
        self._remember(part)
        for choice in part.choices or ():
            if not choice.index:  # n > 1 has no neutral form: the first answer is the answer
                self._choice(choice, chunks)

    def _last_without_terminal(self) -> StreamChunk | None:
        return self.partial() if self._word is not None else None

    def _remember(self, part: Completion) -> None:
        if self._id is None:
            self._id = part.id or None
        if part.model:
            self._served = part.model
        if part.usage is not None:
            self._usage = usage_of(part.usage)
        if not self._answered or part.moderation or part.prompt_filter_results or part.citations:
            # The others are said with the first chunk, and then only repeated.
            self._said.update(extras(part, COMPLETION_EXTRAS))

    def _choice(self, choice: Choice, chunks: list[StreamChunk]) -> None:
        if choice.error:
            raise body_error(choice.error, self._call)
        self._answered = True
        delta = choice.delta or choice.message
        if delta is not None:
            self._delta(delta, chunks)
        if choice.finish_reason or choice.finish_details is not None:
            self._word = finish_word(choice)
        if choice.usage is not None:
            self._usage = usage_of(choice.usage)
        if choice.logprobs or choice.content_filter_results or choice.native_finish_reason:
            _gather(self._said, extras(choice, CHOICE_EXTRAS))

    def _delta(self, delta: WireMessage, chunks: list[StreamChunk]) -> None:
        text, reasoning, refusal = text_of(delta), reasoning_of(delta), delta.refusal
        if text or reasoning:
            chunks.append(
                StreamChunk(
                    delta=text, model=self._model, reasoning=reasoning or None, refusal=refusal or None
                )
            )
        if refusal:
            self._refused = True
        if delta.reasoning_content:
            self._reasoning_content.append(reasoning)
        if delta.tool_calls:
            for piece in delta.tool_calls:
                self._calls.add(piece)
        if delta.function_call is not None:
            self._calls.add(Call(index=0, function=delta.function_call))
        if delta.annotations or delta.audio or delta.images or delta.reasoning_details:
            _gather(self._said, extras(delta, MESSAGE_EXTRAS))


def _gather(whole: dict[str, Any], pieces: dict[str, Any]) -> None:
    """Put pieces of lists and objects together; of an audio answer, the text and the sound too."""
    for name, piece in pieces.items():
        there = whole.get(name)
        if isinstance(there, list) and isinstance(piece, list):
            there.extend(piece)
        elif isinstance(there, dict) and isinstance(piece, dict):
            _gather(there, piece)
        elif isinstance(there, str) and isinstance(piece, str) and name in ("transcript", "data"):
            whole[name] = there + piece
        elif piece is not None or there is None:
            whole[name] = piece
