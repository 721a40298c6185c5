"""The function calls of an answer, with ids.

Vertex AI may stream the arguments of a call in pieces, each with the JSON path that it belongs to:
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

import re
from itertools import pairwise
from typing import Any

import msgspec
from llmring_types import ToolCall, tool_call

from llmring_providers._json import malformed
from llmring_providers._pieces import Pieces, extended, joined
from llmring_providers._protocol import ChatCall
from llmring_providers.google.wire import FunctionCall

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")


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
