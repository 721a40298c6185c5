"""The stream of the responses API: https://platform.openai.com/docs/api-reference/responses-streaming

The terminal event carries the whole response; hosts that leave its output empty have sent the items before.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import StreamChunk, Usage

from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BaseStreamDecoder, Event, EventsOrDocument
from llmring_providers.openai.errors import body_error
from llmring_providers.openai.responses.items import Answer, read_items
from llmring_providers.openai.responses.response import (
    check,
    count_searches,
    finish_reason,
    finish_word,
    native_of,
    offers_custom,
    output_of,
)
from llmring_providers.openai.responses.wire import (
    Response,
    StreamEvent,
    decode_event,
    decode_identity,
    decode_response,
)
from llmring_providers.openai.usage import usage_of

_REASONING = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})
_ARGUMENTS = frozenset({"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"})
_WHOLE_ARGUMENTS = frozenset(
    {"response.function_call_arguments.done", "response.custom_tool_call_input.done"}
)
_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})
"""The last one is that of hosts which speak it over another transport, too."""


class ResponsesStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, EventsOrDocument())
        self._custom = offers_custom(call)
        self._id: str | None = None
        self._served: str | None = None
        self._usage: Usage | None = None
        self._items: dict[int | str, dict[str, Any]] = {}
        """By their index, or by their id with hosts that do not count."""
        self._arguments: dict[int | str, list[str]] = {}
        """Of calls that are not whole yet."""
        self._spoke = False
        self._speaking = False
        """Since the last part of a message has ended."""
        self._reasoned = False

    def _gathered_chunk(self) -> StreamChunk:
        try:
            answer = read_items(self._gathered(), custom=self._custom)
        except msgspec.ValidationError:  # what is wrong with an item is told elsewhere
            answer = Answer()
        return StreamChunk(
            model=self._model,
            usage=self._usage,
            tool_calls=answer.calls or None,
            provider_model=self._served,
            response_id=self._id,
        )

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        data = event.data
        if not data or data.startswith(b"[DONE]"):
            return
        part = decode_event(data)
        kind = part.type or event.name.decode("utf-8", "replace")
        if kind == "response.output_text.delta":
            self._emit(chunks, text=part.delta)
        elif kind in _REASONING:
            self._emit(chunks, reasoning=part.delta)
        elif kind == "response.refusal.delta":
            self._emit(chunks, refusal=part.delta)
        elif kind in ("response.output_text.done", "response.refusal.done"):
            if not self._speaking:  # the host has sent no pieces
                self._emit(chunks, text=part.text, refusal=part.refusal)
            self._speaking = False
        elif kind in _TERMINAL:
            self._finish(decode_response(part.response), chunks)
        elif kind == "error" or part.error:
            raise body_error(part.error or msgspec.json.decode(data), self._call)
        elif not kind and part.object == "response":  # no stream: the whole answer at once
            self._finish(decode_response(data), chunks)
        else:
            self._remember(kind, part)

    def _remember(self, kind: str, part: StreamEvent) -> None:
        """Keep what the last chunk needs; every other event only tells of progress."""
        if kind in ("response.output_item.added", "response.output_item.done"):
            if part.item is not None:
                place = self._place(part, part.item.get("id"))
                self._items[place] = part.item
                if kind.endswith("done") and not _lacks_arguments(part.item):
                    self._arguments.pop(place, None)
        elif kind in _ARGUMENTS:
            if isinstance(part.delta, str):
                self._arguments.setdefault(self._place(part, part.item_id), []).append(part.delta)
        elif kind in _WHOLE_ARGUMENTS:
            whole = part.arguments or part.input
            if isinstance(whole, str) and whole:
                self._arguments[self._place(part, part.item_id)] = [whole]
        elif kind == "response.created" and bytes(part.response).startswith(b"{"):
            identity = decode_identity(part.response)
            self._id, self._served = None if identity.id is None else str(identity.id), identity.model

    def _place(self, part: StreamEvent, item_id: Any) -> int | str:
        if part.output_index is not None:
            return part.output_index
        return item_id if isinstance(item_id, str) else len(self._items)

    def _emit(
        self, chunks: list[StreamChunk], *, text: Any = "", reasoning: Any = None, refusal: Any = None
    ) -> None:
        said = refusal or text
        if isinstance(said, str) and said:
            self._spoke = self._speaking = True
            chunks.append(StreamChunk(delta=said, model=self._model, refusal=refusal or None))
        elif isinstance(reasoning, str) and reasoning:
            self._reasoned = True
            chunks.append(StreamChunk(model=self._model, reasoning=reasoning))

    def _finish(self, response: Response, chunks: list[StreamChunk]) -> None:
        self._id = str(response.id) if response.id else self._id
        self._served = response.model or self._served
        output = self._filled(response.output) if response.output else self._gathered() or output_of(response)
        self._usage = usage_of(
            response.usage, tier=response.service_tier, searches=count_searches(response, output)
        )
        check(response, self._call)
        answer = read_items(output, custom=self._custom)
        if not self._reasoned:
            self._emit(chunks, reasoning=answer.reasoning)
        if not self._spoke:
            self._emit(chunks, text=answer.text)
            self._emit(chunks, refusal=answer.refusal)
        word = finish_word(response)
        self.done = True
        chunks.append(
            StreamChunk(
                model=self._model,
                finish_reason=finish_reason(word, answer),
                usage=self._usage,
                tool_calls=answer.calls or None,
                provider_finish_reason=word,
                provider_model=self._served,
                response_id=self._id,
                native=native_of(self._call, response, answer, output),
            )
        )

    def _gathered(self) -> list[dict[str, Any]]:
        """The items so far, with the arguments of unfinished calls."""
        gathered: list[dict[str, Any]] = []
        for place, item in self._items.items():
            pieces = self._arguments.get(place)
            field = "input" if item.get("type") == "custom_tool_call" else "arguments"
            gathered.append(item if pieces is None else {**item, field: "".join(pieces)})
        return gathered

    def _filled(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the items of the end, with arguments that only came before it.

        https://github.com/scitix/siclaw/pull/275
        """
        if not any(map(_lacks_arguments, output)):
            return output
        before = {str(item.get("call_id")): item for item in self._gathered() if item.get("call_id")}
        return [
            before.get(str(item.get("call_id")), item) if _lacks_arguments(item) else item for item in output
        ]


def _lacks_arguments(item: Mapping[str, Any]) -> bool:
    """Return whether it is a call of a function without arguments, as hosts have it that sent them in pieces alone."""
    return item.get("type") == "function_call" and item.get("arguments") in (None, "", "{}")
