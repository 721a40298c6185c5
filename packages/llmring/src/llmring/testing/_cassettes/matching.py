"""Comparison of requests: whether two are the same, and the differences where they are not."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from llmring.testing._cassettes.cassette import Asked

_LONGEST = 60
"""Characters of a value in a message."""

_CONTEXT = 20
"""Characters before the place where two texts part."""

_ABSENT: Any = object()


def fingerprint(asked: Asked) -> bytes:
    """Return a text that equal requests share: method, URL and body, whatever the order of its fields."""
    return msgspec.json.encode(msgspec.structs.replace(asked, headers={}), order="sorted")


def differences(recorded: Asked, asked: Asked) -> list[str]:
    """Return a line for each difference, the places in the body as JSON paths."""
    lines = [
        f"{name}: recorded {before}, asked {now}"
        for name, before, now in (
            ("method", recorded.method, asked.method),
            ("URL", recorded.url, asked.url),
        )
        if before != now
    ]
    return [*lines, *_between(_body(recorded), _body(asked), "$")]


def _body(asked: Asked) -> Any:
    return next(
        (body for body in (asked.json, asked.text, asked.base64) if body is not msgspec.UNSET), _ABSENT
    )


def _between(before: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        yield from _between_objects(before, now, path)
    elif isinstance(before, list) and isinstance(now, list):
        yield from _between_lists(before, now, path)
    elif not _same(before, now):
        if isinstance(before, str) and isinstance(now, str):
            before, now = _from_where_they_part(before, now)
        yield f"{path}: {_worded('recorded', before)}, {_worded('asked', now)}"


def _between_objects(before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        place = f"{path}.{name}" if name.isidentifier() else f"{path}[{_shown(name)}]"
        yield from _between(before.get(name, _ABSENT), now.get(name, _ABSENT), place)


def _between_lists(before: Sequence[Any], now: Sequence[Any], path: str) -> Iterator[str]:
    for place, (one, other) in enumerate(zip_longest(before, now, fillvalue=_ABSENT)):
        yield from _between(one, other, f"{path}[{place}]")


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _worded(verb: str, value: Any) -> str:
    return f"not {verb}" if value is _ABSENT else f"{verb} {_shown(value)}"


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _from_where_they_part(one: str, other: str) -> tuple[str, str]:
    shared = next((at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), None)
    start = (min(len(one), len(other)) if shared is None else shared) - _CONTEXT
    return (one, other) if start <= 0 else (f"…{one[start:]}", f"…{other[start:]}")
