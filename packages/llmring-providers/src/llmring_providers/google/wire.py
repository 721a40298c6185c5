"""The fields of a Gemini answer that we read, and what is gathered from them: parts, function calls, metadata.

Parts stay dicts, since they go back in the next turn as they came, and so does usage, which every event repeats. Vertex
AI may stream the arguments of a call in pieces, each with the JSON path that it belongs to.

https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

import re
from itertools import pairwise
from operator import attrgetter
from typing import Any

import msgspec
from llmring_types import ToolCall, tool_call

from llmring_providers._json import malformed
from llmring_providers._pieces import Pieces, extended, joined
from llmring_providers._protocol import ChatCall

_TEXT = frozenset({"text", "thought"})
_NEUTRAL = _TEXT | {"functionCall"}
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")


class Content(msgspec.Struct, gc=False):
    parts: list[dict[str, Any]] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    index: int | None = None
    content: Content | None = None
    finish_reason: str | int | None = None
    finish_message: Any = None
    safety_ratings: Any = None
    citation_metadata: Any = None
    grounding_metadata: Any = None
    url_context_metadata: Any = None
    avg_logprobs: Any = None
    logprobs_result: Any = None
    continuation_token: Any = None


class FunctionCall(msgspec.Struct, rename="camel"):
    """A call, or a piece of one where Vertex streams its arguments."""

    name: str | None = None
    id: str | None = None
    args: dict[str, Any] | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class Reply(msgspec.Struct, gc=False, rename="camel"):
    """A whole answer, or one event of a stream."""

    candidates: list[Candidate] | None = None
    usage_metadata: dict[str, Any] | None = None
    prompt_feedback: dict[str, Any] | None = None
    model_version: str | None = None
    response_id: str | None = None
    model_status: Any = None
    error: Any = None


decode_reply = msgspec.json.Decoder(Reply).decode


class Replay:
    """Gathers parts in order; neighbouring pieces of unsigned text become one part again."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[str] = []
        self._thought = False
        self._has_extras = False

    def text(self, text: str, *, thought: bool) -> None:
        """Take an unsigned text."""
        if thought is not self._thought:
            self._flush()
            self._thought = thought
        self._pieces.append(text)

    def part(self, part: dict[str, Any]) -> None:
        """Take any other part."""
        self._flush()
        self._parts.append(part)
        if not part.keys() <= _NEUTRAL:
            self._has_extras = True

    def parts(self) -> list[dict[str, Any]] | None:
        """Return them if they say more than a neutral message does."""
        if not self._has_extras:
            return None
        self._flush()
        return list(self._parts)

    def _flush(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        if text:
            self._parts.append({"text": text, "thought": True} if self._thought else {"text": text})


def is_plain_text(part: dict[str, Any]) -> bool:
    """Return whether a part that has a text is nothing else, signature included."""
    return len(part) == 1 or part.keys() <= _TEXT


class FunctionCalls:
    """Takes the parts with calls in order.

    Attributes:
        calls: those that are complete.
    """

    def __init__(self, call: ChatCall) -> None:
        self.calls: list[ToolCall] = []
        self._call = call
        self._open: dict[str, Any] | None = None
        """The part of a call whose arguments are still coming."""

    def take(self, part: dict[str, Any], response_id: str | None) -> list[dict[str, Any]]:
        """Take one part; return the whole parts of the calls that it completes.

        Raises:
            MalformedResponseError: it is not a function call.
            msgspec.ValidationError: the same.
        """
        function = msgspec.convert(part["functionCall"], FunctionCall)
        done = self.finish(response_id) if function.name else []
        if self._open is None:
            if not part["functionCall"]:  # the last piece of a call that had none
                return done
            if not function.name:
                raise malformed("a function call has no name", self._call)
            if not function.partial_args and not function.will_continue:
                self.calls.append(self._made(function.name, function.id, function.args, response_id))
                return [*done, part]
            self._open = {**part, "functionCall": {"name": function.name, "args": dict(function.args or {})}}
            if function.id:
                self._open["functionCall"]["id"] = function.id
        else:  # the signature may come with any piece
            self._open.update((name, value) for name, value in part.items() if name != "functionCall")
        for piece in function.partial_args or ():
            self._put(self._open["functionCall"]["args"], piece)
        return done if function.will_continue else [*done, *self.finish(response_id)]

    def finish(self, response_id: str | None) -> list[dict[str, Any]]:
        """Close the call whose arguments were still coming: another call or the answer's end makes it whole."""
        whole, self._open = self._open, None
        if whole is None:
            return []
        whole = joined(whole)
        self.calls.append(self._opened(whole, response_id))
        return [whole]

    def so_far(self, response_id: str | None) -> list[ToolCall]:
        """Return the calls, with the one whose arguments are still coming."""
        if self._open is None:
            return list(self.calls)
        return [*self.calls, self._opened(joined(self._open), response_id)]

    def _opened(self, part: dict[str, Any], response_id: str | None) -> ToolCall:
        made = part["functionCall"]
        return self._made(made["name"], made.get("id"), made["args"], response_id)

    def _made(
        self, name: str, call_id: str | None, arguments: dict[str, Any] | None, response_id: str | None
    ) -> ToolCall:
        if not call_id:
            # Gemini 2.5 and older give no ids. These differ within a conversation, even where a host gives every
            # answer the same id, and are the same for the same answer, streamed or not.
            place = f"{len(self._call.request.messages)}_{len(self.calls)}"
            call_id = f"call_{response_id}_{place}" if response_id else f"call_{place}"
        return tool_call(call_id, name, arguments)

    def _put(self, arguments: dict[str, Any], piece: dict[str, Any]) -> None:
        """Put the value of a piece where its path says; a string goes on where its beginning stands."""
        path = str(piece.get("jsonPath"))
        steps = [int(found[2]) if found[2] else found[1] or found[3] for found in _STEP.finditer(path)]
        value: Any = next((piece[name] for name in _VALUES if name in piece), None)
        here: Any = arguments
        for step, after in pairwise([*(steps or [None]), None]):
            old = self._slot(here, step, path)
            if after is None:
                if isinstance(old, (str, Pieces)) and isinstance(value, str):
                    value = extended(old, value)
                here[step] = value
            else:
                here[step] = old if old is not None else [] if isinstance(after, int) else {}
                here = here[step]

    def _slot(self, here: Any, step: str | int | None, path: str) -> Any:
        """Return what stands at a step. A list grows by one at a time, and there are only lists and dicts."""
        if isinstance(here, dict) and isinstance(step, str):
            return here.get(step)
        if isinstance(here, list) and isinstance(step, int) and step <= len(here):
            if step == len(here):
                here.append(None)
            return here[step]
        raise malformed(f"a piece of a function call has no place for its path {path!r}", self._call)


_NAMES = {
    field.name: field.encode_name
    for field in msgspec.structs.fields(Candidate)
    if field.name not in ("index", "content", "finish_reason")
}
_values = attrgetter(*_NAMES)
_NOTHING = (None,) * len(_NAMES)


class CandidateMetadata:
    """Citations, grounding, log probabilities, ratings and the like, under Gemini's own names."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def take(self, candidate: Candidate) -> None:
        """Take what one event says."""
        values = _values(candidate)
        if values == _NOTHING:
            return
        for name, value in zip(_NAMES.values(), values, strict=True):
            if value is not None:
                self._kept[name] = _joined(name, self._kept.get(name), value)

    def said(self) -> dict[str, Any]:
        """Return what is not empty."""
        return {name: value for name, value in self._kept.items() if value not in ({}, [], "")}

    @property
    def searches(self) -> int:
        """The searches that ground the answer."""
        grounding = self._kept.get("groundingMetadata")
        queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
        return len(queries) if isinstance(queries, list) else 0


def _joined(name: str, old: Any, new: Any) -> Any:
    """Log probabilities and citations are of the event's own text and add up; others hold for the whole answer."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    if name in ("logprobsResult", "citationMetadata"):
        for key in old.keys() & new.keys():
            there = old[key]
            if isinstance(there, list) and isinstance(new[key], list):
                repeated = name == "citationMetadata"
                there += [item for item in new[key] if not (repeated and item in there)]
                new[key] = there
    return {**old, **new}
