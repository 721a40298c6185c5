"""Messages as Gemini's turns.

https://ai.google.dev/api/caching#Content
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from llmring_types import Message, ToolCall
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.history import agrees, continues, is_call, replay_of
from llmring_providers._fit.tools import arguments_object
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall
from llmring_providers.google.media import part_of, without_empty_texts, without_thoughts
from llmring_providers.google.models import NO_SIGNATURE, GeminiModel

_Part = dict[str, Any]
_BEGINNING = "[The beginning of the conversation is missing.]"
"""Put before a call that nothing comes before: https://github.com/google-gemini/gemini-cli/issues/11814"""
CONTINUED = frozenset({"cachedContent", "cached_content"})
"""Parameters with which Gemini has the beginning of the conversation."""
_NOTHING = {"role": "user", "parts": [{"text": ""}]}


class _Called(NamedTuple):
    """A function call of the history."""

    name: str
    wire_id: str | None
    place: int


def encode_contents(
    call: ChatCall, model: GeminiModel, warnings: list[str], *, plain: bool
) -> tuple[list[_Part], list[dict[str, Any]]]:
    """Return the parts of the system instruction, and the turns.

    Args:
        call: the call.
        model: its model.
        warnings: takes a sentence for whatever was left out or changed.
        plain: each message is nothing but a role and a text.

    Raises:
        UnsupportedContentError: a part that Gemini cannot carry.
    """
    if plain and (texts := _texts_alone(call.request.messages)) is not None:
        return texts
    contents = _Contents(call, model, warnings)
    contents.extend(call.request.messages)
    return contents.system, contents.turns


def _texts_alone(messages: Sequence[Message]) -> tuple[list[_Part], list[dict[str, Any]]] | None:
    """Translate texts; ``None`` where one is empty, the model speaks first or twice in a row, or nobody has a turn."""
    system: list[_Part] = []
    turns: list[dict[str, Any]] = []
    last: str | None = None
    for message in messages:
        role, content = message.role, message.content
        if not content or (role == "assistant" and last != "user"):
            return None
        if role == "system":
            system.append({"text": content})
            continue
        turns.append({"role": "user" if role == "user" else "model", "parts": [{"text": content}]})
        last = role
    return (system, turns) if turns else None


class _Contents:
    """Takes messages in order.

    Attributes:
        system: parts of the system instruction, wherever its messages stood.
        turns: the ``contents`` of a body.
    """

    def __init__(self, call: ChatCall, model: GeminiModel, warnings: list[str]) -> None:
        self.system: list[_Part] = []
        self.turns: list[dict[str, Any]] = []
        self._call = call
        self._model = model
        self._warnings = warnings
        self._called: dict[str, _Called] = {}
        self._calls = 0
        self._results: list[tuple[int, _Part]] = []
        self._media: list[_Part] = []

    def extend(self, messages: Sequence[Message]) -> None:
        """Take messages.

        Raises:
            UnsupportedContentError: a part that Gemini cannot carry.
        """
        for message in messages:
            role = message.role
            if role == "tool":
                self._result(message)
                continue
            if self._results:
                self._answer()
            if role == "assistant":
                self._model_turn(self._said(message))
            elif role == "user":
                self.turns.append({"role": "user", "parts": self._parts(message)})
            else:
                self._instruct(message)
            if message.metadata and "cache_control" in message.metadata:
                self._warn("cache_control has no effect on Gemini, which caches long prompts by itself")
        if self._results:
            self._answer()
        self._leave_out_empty_texts()
        if self.turns and self.turns[0]["role"] == "model" and not continues(self._call.request, CONTINUED):
            self.turns.insert(0, {"role": "user", "parts": [{"text": _BEGINNING}]})
            self._warn(
                f"{_BEGINNING!r} was put first as the user's: Gemini takes no conversation that the model begins"
            )

    def _leave_out_empty_texts(self) -> None:
        """Vertex AI refuses them, and the model itself says nothing at times."""
        self.system = without_empty_texts(self.system)
        # Elsewhere an empty turn of the user may be all, or come before the model's first (both in recordings).
        first = 1 if self.turns[:1] == [_NOTHING] and not self._model.on_vertex else 0
        if first and self.turns[1:2] and self.turns[1]["role"] != "model":
            first = 0
        turns, self.turns = self.turns[first:], self.turns[:first]
        for turn in turns:
            if not (parts := without_empty_texts(turn["parts"])):
                self._warn("a message without content was left out: Gemini takes no empty text")
            elif turn["role"] == "model":
                self._model_turn(parts)
            else:
                self.turns.append({**turn, "parts": parts})
        if self.turns or not turns:
            return
        if not self._model.on_vertex:
            self.turns = [_NOTHING]
        elif self.system:
            self.turns, self.system = [{"role": "user", "parts": self.system}], []
        else:
            raise UnsupportedContentError("no message says anything", provider="google", part="messages")

    def _instruct(self, message: Message) -> None:
        parts = self._parts(message)
        if any("text" not in part for part in parts):
            raise UnsupportedContentError(
                f"{self._call.ref} takes only text in system messages",
                provider=self._call.ref.provider,
                part="system",
            )
        self.system.extend(parts)

    def _parts(self, message: Message) -> list[_Part]:
        content = message.content
        if isinstance(content, str):
            return [{"text": content}]
        return [part_of(part, self._call, self._model) for part in content or ()] or [{"text": ""}]

    def _model_turn(self, parts: list[_Part]) -> None:
        """Neighbouring turns of the model are one: a call must follow on the user's turn."""
        if self.turns and self.turns[-1]["role"] == "model":
            self.turns[-1]["parts"].extend(parts)
        else:
            self.turns.append({"role": "model", "parts": parts})

    def _said(self, message: Message) -> list[_Part]:
        calls = message.tool_calls or []
        replay = replay_of(message, self._call, self._warnings) if message.metadata else []
        if replay and not self._model.thinks and (kept := without_thoughts(replay)) != replay:
            self._warn(f"the reasoning of an earlier answer was left out: {self._call.ref} does not reason")
            replay = kept
        if not calls and not replay:
            return self._parts(message)
        if replay and _still_say(replay, message):
            parts: list[_Part] = list(replay)
        else:
            # The message was changed, or never had more than neutral parts. A call that is still the same keeps its
            # part with the signature; that of a text holds only for the very text.
            parts = self._parts(message) if message.content or not calls else []
            sealed = call_parts(replay, calls)
            parts += [part or self._function_call(call) for call, part in zip(calls, sealed, strict=True)]
        self._remember(calls, [part for part in parts if "functionCall" in part])
        return self._signed(parts)

    def _function_call(self, call: ToolCall) -> _Part:
        function: Any = call.get("function")
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise UnsupportedContentError(
                f"{self._call.ref} takes only calls of functions with a name; got {call!r}",
                provider=self._call.ref.provider,
                part="tool_calls",
            )
        wire: dict[str, Any] = {"name": function["name"], "args": arguments_object(function, self._warnings)}
        if call.get("id"):
            wire["id"] = call["id"]
        return {"functionCall": wire}

    def _remember(self, calls: list[ToolCall], parts: list[_Part]) -> None:
        for call, part in zip(calls, parts, strict=True):
            function = part["functionCall"]
            self._called[call.get("id") or ""] = _Called(
                function.get("name") or "", function.get("id"), self._calls
            )
            self._calls += 1

    def _signed(self, parts: list[_Part]) -> list[_Part]:
        """The first call of a turn must carry a signature, or the word that there is none."""
        if self._model.checks_signatures:
            for place, part in enumerate(parts):
                if "functionCall" in part:
                    if "thoughtSignature" not in part:
                        parts[place] = {**part, "thoughtSignature": NO_SIGNATURE}
                        self._warn(
                            "tool calls without a thought signature are sent without the reasoning behind them"
                        )
                    break
        return parts

    def _result(self, message: Message) -> None:
        call_id = message.tool_call_id or ""
        called = self._called.get(call_id) or _Called(
            message.name or call_id or "tool", call_id or None, self._calls
        )
        content, media = message.content, list[_Part]()
        if isinstance(content, list):
            parts = self._parts(message)
            media = [part for part in parts if "text" not in part]
            content = "".join(part["text"] for part in parts if "text" in part)
        failed = message.metadata is not None and message.metadata.get("is_error") is True
        response: dict[str, Any] = {"name": called.name, "response": _response(content, failed=failed)}
        if called.wire_id:
            response["id"] = called.wire_id
        if media and self._model.combines_tools:
            response["parts"] = media
        else:
            self._media.extend(media)
        self._results.append((called.place, {"functionResponse": response}))

    def _answer(self) -> None:
        """One turn with all results in the order of their calls: without ids, only the order tells them apart."""
        self._results.sort(key=lambda result: result[0])
        self.turns.append({"role": "user", "parts": [part for _, part in self._results]})
        if self._media:
            self.turns.append({"role": "user", "parts": self._media})
        self._results, self._media = [], []

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def _is_object(text: str) -> bool:
    """Return whether a text is a JSON object; it then goes out as it was written, numbers and all."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except DECODE_ERRORS:
        return False


def _response(content: str, *, failed: bool) -> Any:
    """A result is an object, with ``error`` for a failure; https://ai.google.dev/api/caching#FunctionResponse"""
    value: Any = content
    if content[:1] == "{" and _is_object(content):
        value = msgspec.Raw(content)
        if not failed:
            return value
    return {"error" if failed else "output": value}


def _still_say(parts: Sequence[Any], message: Message) -> bool:
    """Return whether parts say what the message says."""
    if not all(isinstance(part, dict) for part in parts):
        return False
    said = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
    return agrees(message, said, [_made(part) for part in parts if "functionCall" in part])


def call_parts(parts: Iterable[Any], calls: Iterable[ToolCall]) -> Iterator[dict[str, Any] | None]:
    """For each call, the part that makes the very same call, if there is one."""
    made = [part for part in parts if isinstance(part, dict) and "functionCall" in part]
    for call in calls:
        found = next((part for part in made if is_call(_made(part), call)), None)
        if found is not None:
            made.remove(found)
        yield found


def _made(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the call of a part in the neutral form, without its id, which parts need not have."""
    made = part["functionCall"]
    if not isinstance(made, dict):
        return {"function": {"name": None}}
    return {"function": {"name": made.get("name"), "arguments": made.get("args")}}
