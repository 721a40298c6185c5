"""JSON within other text: reasoning before it, a Markdown code fence, a sentence around it. Pure.

Local models put ``<think>…</think>`` before an answer (the chat template of DeepSeek R1 and Qwen even leaves out the
opening tag), and models without constrained decoding like to introduce their JSON and to fence it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from llmring.structured._reading import MismatchError

_WHOLE_FENCE = re.compile(r"```(?:json)?[ \t]*\r?\n(.*?)\s*```", re.DOTALL | re.IGNORECASE)
_FENCE_LINE = re.compile(r"^[ \t]*```[ \t]*(\w*)[ \t]*$", re.MULTILINE)
_END_OF_REASONING = "</think>"
_CLOSING = {"{": "}", "[": "]"}
_OPENING = re.compile(r"[{\[]")


def unfenced(text: str) -> str:
    """Return what stands in the one code fence around the whole text, else the text."""
    text = text.strip()
    if text.startswith("```") and (found := _WHOLE_FENCE.fullmatch(text)) is not None:
        return found[1]
    return text


def read_within(text: str, read: Callable[[str], Any], mismatch: MismatchError) -> Any:
    """Read the JSON that stands within other text.

    Args:
        text: the answer, which is not JSON as a whole.
        read: text to value; raises :class:`MismatchError`.
        mismatch: the error of the whole text.

    Raises:
        MismatchError: of the JSON that was found and breaks the schema; ``mismatch`` where there is none, or more than
            one value of which any might be meant.
    """
    for inner in _inner_texts(text):
        try:
            return read(inner)
        except MismatchError as error:
            if not error.is_syntax:
                raise
    raise mismatch


def _inner_texts(text: str) -> Iterator[str]:
    """Yield what the answer may be without its wrapping, the likeliest first."""
    answer = text.rpartition(_END_OF_REASONING)[2]
    if answer is not text:
        yield unfenced(answer)
    fenced = _only_fence(answer)
    if fenced is not None:
        yield fenced
    opening = _OPENING.search(answer)
    if opening is not None:
        # One try, from the first bracket to the last of its kind: of two values nobody can tell which one is meant.
        end = answer.rfind(_CLOSING[opening[0]])
        if end > opening.start():
            yield answer[opening.start() : end + 1]


def _only_fence(text: str) -> str | None:
    lines = list(_FENCE_LINE.finditer(text))
    if len(lines) != 2:  # noqa: PLR2004 - the opening line and the closing one
        return None
    first, last = lines
    return text[first.end() : last.start()] if first[1].lower() in ("", "json") and not last[1] else None
