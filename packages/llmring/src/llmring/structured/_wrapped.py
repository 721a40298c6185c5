"""JSON that is nearly an answer: within reasoning, a code fence or a sentence, repeated, or with raw line breaks. Pure.

Local models put ``<think>…</think>`` before an answer (the chat template of DeepSeek R1 and Qwen even leaves out the
opening tag), and models without constrained decoding like to introduce their JSON and to fence it, write it twice,
and break lines within its strings.
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
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_WITHIN = "parsed was read from JSON within other text"
_REPEATED = "parsed was read from JSON that the answer repeats"
_RAW = "parsed was read from JSON with raw control characters, such as line breaks, in its strings"


def unfenced(text: str) -> str:
    """Return what stands in the one code fence around the whole text, else the text."""
    text = text.strip()
    if text.startswith("```") and (found := _WHOLE_FENCE.fullmatch(text)) is not None:
        return found[1]
    return text


def read_within(text: str, read: Callable[[str], Any], mismatch: MismatchError) -> tuple[Any, str]:
    """Read the JSON that stands within other text, and return it with the warning to give.

    Args:
        text: the answer, which is not JSON as a whole.
        read: text to value; raises :class:`MismatchError`.
        mismatch: the error of the whole text.

    Raises:
        MismatchError: of the JSON that was found and breaks the schema; ``mismatch`` where there is none, or more than
            one value of which any might be meant.
    """
    for inner, warning in _candidates(text):
        try:
            return read(inner), warning
        except MismatchError as error:
            if not error.is_syntax:
                raise
    raise mismatch


def _candidates(text: str) -> Iterator[tuple[str, str]]:
    """Yield what may be meant, each with its warning; all without a change within the JSON come first."""
    inner_texts = list(_inner_texts(text))
    yield from ((inner, _WITHIN) for inner in inner_texts)
    yield from ((plain, _RAW) for inner in (text, *inner_texts) if (plain := _escaped(inner)) != inner)
    repeated = _repeated(text.rpartition(_END_OF_REASONING)[2])
    if repeated is not None:
        yield repeated, _REPEATED


def _escaped(text: str) -> str:
    """Return JSON with the control characters of its strings escaped."""
    return _STRING.sub(lambda string: _CONTROL.sub(lambda raw: f"\\u{ord(raw[0]):04x}", string[0]), text)


def _repeated(text: str) -> str | None:
    """Return the JSON of a text in which each value is the same."""
    import json  # noqa: PLC0415 - msgspec does not tell where a value ends

    decoder, found, end = json.JSONDecoder(), dict[str, str](), 0
    while (opening := _OPENING.search(text, end)) is not None:
        start = opening.start()
        try:
            value, end = decoder.raw_decode(text, start)
            found.setdefault(json.dumps(value, sort_keys=True), text[start:end])
        except (ValueError, RecursionError):
            return None
        if len(found) > 1:  # nobody can tell which of them is meant
            return None
    return next(iter(found.values()), None)


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
