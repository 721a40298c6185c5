"""Tool calls out of the pieces of a stream."""

from typing import Any

import msgspec

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._pieces import join_arguments
from llmring_providers.openai.chat.wire import Call, Custom, Function


class _Slot:
    """One call as its pieces come."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id: str | int | None = None
        self.name = ""
        self.arguments: list[str] = []
        self.custom = False
        self.resent = False
        """Once the call was read as a whole."""
        self.extra_content: Any = None

    def add(self, piece: Call) -> None:
        self.id = self.id or piece.id
        self.extra_content = self.extra_content or piece.extra_content
        if piece.custom is not None:
            self.custom = True
            self._add(piece.custom.name, piece.custom.input)
        if piece.function is not None:
            self._add(piece.function.name, piece.function.arguments)

    def _add(self, name: str | None, arguments: Any) -> None:
        if name and name != self.name:  # some hosts repeat the whole name in every piece
            self.name += name
        if arguments is not None and not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            if self.arguments == ["{}"] and not self.custom:
                # It stood in for what was to come: https://github.com/microsoft/autogen/issues/6843
                self.arguments.clear()
            self.arguments.append(arguments)

    def is_whole(self) -> bool:
        """Return whether the arguments so far are a whole object; a host without ids may then begin another call."""
        try:
            return isinstance(msgspec.json.decode("".join(self.arguments)), dict)
        except DECODE_ERRORS:
            return False

    def whole(self) -> Call:
        text, self.resent = (
            ("".join(self.arguments), False) if self.custom else join_arguments(self.arguments)
        )
        call = Call(id=self.id, extra_content=self.extra_content)
        if self.custom:
            call.custom = Custom(self.name, text)
        else:
            call.function = Function(self.name, text)
        return call


class CallPieces:
    """Gathers calls. ``index`` says which call a piece belongs to; hosts that get it wrong are understood too."""

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._open: dict[int, _Slot] = {}

    def add(self, piece: Call) -> None:
        """Take the next piece."""
        given = _number(piece.index)
        index = given
        if index is None:
            index = self._slots[-1].index if self._slots else 0
        slot = self._open.get(index)
        if slot is None and self._slots and _continues(piece, self._slots[-1]):
            slot = self._slots[-1]
        if slot is None or _begins_another(piece, slot):
            if slot is not None and given is None:
                index += 1
            slot = self._open[index] = _Slot(index)
            self._slots.append(slot)
        slot.add(piece)

    @property
    def resent(self) -> bool:
        """True if the host sent arguments of the calls that :meth:`whole` returned more than once."""
        return any(slot.resent for slot in self._slots)

    def whole(self) -> list[Call]:
        """Return the calls so far, in the order of their indexes."""
        return [slot.whole() for slot in sorted(self._slots, key=lambda slot: slot.index)]


def _begins_another(piece: Call, slot: _Slot) -> bool:
    """Return whether a piece with the index of an open call begins a new one.

    Some hosts give every call the index 0, or none at all; others invent a new id for every piece of one call, so an
    id alone says nothing: only a named piece begins a call.
    """
    part = piece.custom if piece.function is None else piece.function
    if part is None or not part.name:
        return False
    if piece.id and slot.id:
        return piece.id != slot.id
    if _number(piece.index) is None:
        return True
    return slot.is_whole() and (part.name != slot.name or _is_object(piece))


def _continues(piece: Call, last: _Slot) -> bool:
    """Return whether a piece of an index of its own belongs to the last call: it has neither an id nor a name.

    https://github.com/dirac-run/dirac/pull/215
    """
    part = piece.custom if piece.function is None else piece.function
    return not piece.id and (part is None or not part.name) and not last.is_whole()


def _number(index: float | str | None) -> int | None:
    try:
        return None if index is None else int(index)
    except ValueError:  # a word: as good as none
        return None


def _is_object(piece: Call) -> bool:
    given = piece.function.arguments if piece.function is not None else None
    return isinstance(given, dict) or (isinstance(given, str) and given.lstrip().startswith("{"))
