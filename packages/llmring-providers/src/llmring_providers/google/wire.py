"""The fields of a Gemini answer that we read, and the parts that travel back.

Parts stay dicts, since they go back in the next turn as they came, and so does usage, which every event repeats.

https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

from typing import Any

import msgspec


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


_TEXT = frozenset({"text", "thought"})
_NEUTRAL = _TEXT | {"functionCall"}


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
