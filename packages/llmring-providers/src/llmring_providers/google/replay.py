"""The parts of an answer that go back as they came: signed thoughts and calls, hosted tools, generated media.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from llmring_types import ToolCall

from llmring_providers._json import DECODE_ERRORS

_TEXT = frozenset({"text", "thought"})
_NEUTRAL = _TEXT | {"functionCall"}


class Replay:
    """Gathers parts in order; neighbouring pieces of unsigned text become one part again."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[str] = []
        self._thought = False
        self._says_more = False

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
            self._says_more = True

    def parts(self) -> list[dict[str, Any]] | None:
        """Return them if they say more than a neutral message does."""
        if not self._says_more:
            return None
        self._flush()
        return list(self._parts)

    def _flush(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        if text:
            self._parts.append({"text": text, "thought": True} if self._thought else {"text": text})


def is_plain_text(part: dict[str, Any]) -> bool:
    """Whether a part is text and nothing else, signature included."""
    return part.keys() <= _TEXT


def says(parts: Sequence[Any], text: str, calls: Sequence[ToolCall]) -> bool:
    """Whether parts say this text and make these calls; ids are not compared, since parts need not have any."""
    if not all(isinstance(part, dict) for part in parts):
        return False
    said = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
    made = [part["functionCall"] for part in parts if "functionCall" in part]
    return said == text and len(made) == len(calls) and all(map(_same_call, made, calls))


def call_parts(parts: Iterable[Any], calls: Iterable[ToolCall]) -> Iterator[dict[str, Any] | None]:
    """For each call, the part that makes the very same call, if there is one."""
    made = [part for part in parts if isinstance(part, dict) and "functionCall" in part]
    for call in calls:
        found = next((part for part in made if _same_call(part["functionCall"], call)), None)
        if found is not None:
            made.remove(found)
        yield found


def _same_call(made: Any, call: ToolCall) -> bool:
    function: Any = call.get("function")
    if (
        not isinstance(made, dict)
        or not isinstance(function, dict)
        or made.get("name") != function.get("name")
    ):
        return False
    try:
        arguments = msgspec.json.decode(function.get("arguments") or "{}")
    except (*DECODE_ERRORS, TypeError):
        return False
    return bool((made.get("args") or {}) == arguments)
