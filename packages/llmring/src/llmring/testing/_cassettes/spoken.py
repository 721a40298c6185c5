"""What a stream says piece by piece: the same place of one event after the other."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from llmring._json import DECODE_ERRORS
from llmring._redaction import Edit

Redact: TypeAlias = Callable[[Sequence[bytes]], list[bytes]]

_EVENT = re.compile(rb"^(?:data:[ ]*)?(\{[^\r\n]*)", re.MULTILINE)


class _Event:
    """A line that is a JSON object, as server-sent event or on its own."""

    def __init__(self, found: re.Match[bytes]) -> None:
        self.start, self.end = found.span(1)
        self.value: Any = msgspec.json.decode(found[1])
        self.changed = False


class _Place:
    """A text within an event."""

    def __init__(self, event: _Event, holder: Any, key: str | int) -> None:
        self._event = event
        self._holder = holder
        self._key = key

    @property
    def text(self) -> bytes:
        return str(self._holder[self._key]).encode()

    def put(self, text: bytes) -> None:
        if text != self.text:
            self._holder[self._key] = text.decode()
            self._event.changed = True


def respoken(body: bytes, redact: Redact) -> list[Edit]:
    """Return the edits after which no place of the events spells what must not be told.

    Args:
        body: of a stream.
        redact: takes the texts of one place, event by event, and returns them as they may stay.
    """
    events = list(_events(body))
    places: dict[tuple[str | int, ...], list[_Place]] = defaultdict(list)
    for event in events:
        for path, place in _places(event, event.value, ()):
            places[path].append(place)
    for spread in places.values():
        for place, text in zip(spread, redact([place.text for place in spread]), strict=True):
            place.put(text)
    return [
        Edit(event.start, event.end, msgspec.json.encode(event.value)) for event in events if event.changed
    ]


def _events(body: bytes) -> Iterator[_Event]:
    for found in _EVENT.finditer(body):
        try:
            yield _Event(found)
        except DECODE_ERRORS:
            continue


def _places(
    event: _Event, value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], _Place]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(inner, str):
            yield (*path, key), _Place(event, value, key)
        else:
            yield from _places(event, inner, (*path, key))
