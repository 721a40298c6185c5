"""The stream of a chat completion.

https://platform.openai.com/docs/api-reference/chat-streaming
The terminal event is ``data: [DONE]``; some hosts leave it out, then the chunk with ``finish_reason`` counts.
"""

from typing import Any

import msgspec
from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers._json import malformed
from llmring_providers._pieces import RESENT, joined
from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BaseStreamDecoder, Event, EventsOrDocument
from llmring_providers.openai.chat.calls import CallPieces
from llmring_providers.openai.chat.response import (
    bare_error,
    finish_reason,
    finish_word,
    native_of,
    neutral_call,
    reasoning_of,
    replay,
    spoken_reasoning,
    text_of,
)
from llmring_providers.openai.chat.wire import (
    CHOICE_EXTRAS,
    COMPLETION_EXTRAS,
    IDENTITY_EXTRAS,
    MESSAGE_EXTRAS,
    Call,
    Choice,
    Completion,
    WireMessage,
    decode_completion,
    gather,
    gather_parts,
    replace,
    usage_extras,
)
from llmring_providers.openai.errors import body_error
from llmring_providers.openai.usage import usage_of

_DONE = b"[DONE]"
_FIRST = (None, 0, "0", "")


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, EventsOrDocument())
        self._answered = False
        self._without_choices = b""
        """The last document that has none: an error, if nothing else comes."""
        self._refused = False
        self._spoke = False
        """In deltas."""
        self._calls: CallPieces | None = None
        """Once the first piece of a call has come."""
        self._reasoning: dict[str, list[str]] = {}
        """Under the names by which it comes."""
        self._parts: list[Any] = []
        """Of an answer that comes in parts."""
        self._word: str | None = None
        self._usage: Any = None
        """As the host said it last."""
        self._id: str | None = None
        self._served: str | None = None
        self._extras: dict[str, Any] = {}

    def _gathered_chunk(self) -> StreamChunk:
        made = [] if self._calls is None else self._calls.whole()
        calls = [neutral_call(call, place) for place, call in enumerate(made)]
        ended = self.done or self._word is not None
        said = joined(self._extras) if self._extras else {}
        reasoning = {name: "".join(pieces) for name, pieces in self._reasoning.items()}
        block = replay(made, said, reasoning, joined(self._parts) if self._parts else [])
        return StreamChunk(
            model=self._model,
            finish_reason=finish_reason(self._word, called=bool(calls), refused=self._refused)
            if ended
            else None,
            usage=usage_of(self._usage, tier=said.get("service_tier"), quirks=self._call.quirks),
            tool_calls=calls or None,
            provider_finish_reason=self._word,
            provider_model=self._served,
            response_id=self._id,
            native=native_of(self._call, said | usage_extras(self._usage), block),
            warnings=[RESENT] if self._calls is not None and self._calls.resent else None,
        )

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        data = event.data
        if data.startswith(_DONE):
            if not self._answered:
                raise self._bare_error() or malformed("the stream ended without an answer", self._call)
            self.done = True
            chunks.append(self._gathered_chunk())
            return
        if not data:  # a sign of life
            return
        part = decode_completion(data)
        if part.error or part.object == "error" or event.name == b"error":
            raise body_error(part.error or msgspec.json.decode(data), self._call)
        self._remember(part)
        if part.choices is None:
            self._without_choices = data
        for choice in part.choices or ():
            if choice.index in _FIRST:  # n > 1 has no neutral form: the first answer is the answer
                self._choice(choice, chunks)

    def _bare_error(self) -> LLMRingError | None:
        said = b"" if self._answered else self._without_choices
        return bare_error(said, None, self._call) if said else None

    def _last_without_terminal(self) -> StreamChunk | None:
        if (error := self._bare_error()) is not None:
            raise error
        return self._gathered_chunk() if self._word is not None else None

    def _remember(self, part: Completion) -> None:
        if self._id is None:
            self._id = str(part.id) if part.id else None
        if part.model:
            self._served = part.model
        if part.usage is not None:
            self._usage = part.counts()
        if not self._answered:
            replace(self._extras, IDENTITY_EXTRAS, part)
        if part.has_extras():
            replace(self._extras, COMPLETION_EXTRAS, part)
            if isinstance(part.x_groq, dict):
                self._groq(part.x_groq)

    def _groq(self, said: dict[str, Any]) -> None:
        if said.get("error"):
            raise body_error(said["error"], self._call)
        self._usage = said.get("usage") or self._usage

    def _choice(self, choice: Choice, chunks: list[StreamChunk]) -> None:
        if choice.error:
            raise body_error(choice.error, self._call)
        self._answered = True
        if (delta := choice.delta) is not None:
            self._spoke = self._spoke or bool(delta.content or delta.tool_calls)
            self._delta(delta, chunks)
        elif choice.message is not None and not self._spoke:  # else it repeats the deltas
            self._delta(choice.message, chunks)
        elif isinstance(choice.text, str):
            self._delta(WireMessage(content=choice.text), chunks)
        if choice.finish_reason or choice.finish_details is not None:
            self._word = finish_word(choice)
        if choice.usage is not None:
            self._usage = choice.usage
        if choice.has_extras():
            gather(self._extras, CHOICE_EXTRAS, choice)

    def _add_calls(self, delta: WireMessage) -> None:
        if self._calls is None:
            self._calls = CallPieces()
        for piece in delta.tool_calls or ():
            self._calls.add(piece)
        if delta.function_call is not None:
            self._calls.add(Call(index=0, function=delta.function_call))

    def _delta(self, delta: WireMessage, chunks: list[StreamChunk]) -> None:
        alone = delta.text_alone()
        if (
            alone is not None and not self._parts
        ):  # the steps below would come to the same, at twice the price
            if alone:
                chunks.append(StreamChunk(delta=alone, model=self._model))
            return
        text, reasoning, refusal = text_of(delta), reasoning_of(delta), delta.refusal
        if text or reasoning:
            chunks.append(
                StreamChunk(
                    delta=text, model=self._model, reasoning=reasoning or None, refusal=refusal or None
                )
            )
        if self._parts or isinstance(delta.content, list):
            gather_parts(self._parts, delta.content)
        if refusal:
            self._refused = True
        if reasoning:
            for name, thought in spoken_reasoning(delta).items():
                self._reasoning.setdefault(name, []).append(thought)
        if delta.tool_calls or delta.function_call is not None:
            self._add_calls(delta)
        if delta.has_extras():
            gather(self._extras, MESSAGE_EXTRAS, delta)
