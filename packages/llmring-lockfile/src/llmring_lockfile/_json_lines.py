"""Where in JSON text a value is."""

import json
import re

from llmring_lockfile._keys import KeyPath

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def line_of(text: str, path: KeyPath) -> int | None:
    """The line, counted from 1, on which the value at a path begins, or else the nearest one around it."""
    at = _skip(text, 0)
    for step in path:
        inside = _member(text, at, step)
        if inside is None:
            break
        at = inside
    return text.count("\n", 0, at) + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _member(text: str, at: int, step: str | int) -> int | None:
    """The place of one member of the container that begins at ``at``."""
    opening = "{" if isinstance(step, str) else "["
    if text[at] != opening:
        return None
    at = _skip(text, at + 1)
    place = 0
    while text[at] not in "}]":
        key: object = place
        if opening == "{":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        if key == step:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        place += 1
    return None
