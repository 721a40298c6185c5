"""The content of a cassette, and its file: bodies as text where they are text, and only the rest in base64."""

import base64
import re
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from llmring_lockfile import write_atomically
from llmring_types.exceptions import CassetteError
from msgspec import UNSET, UnsetType

from llmring._json import DECODE_ERRORS


class Binary(msgspec.Struct, frozen=True):
    """Bytes that are not text."""

    base64: str


Part: TypeAlias = str | Binary
Chunk: TypeAlias = Part | tuple[Part, ...]
"""The bytes of one read; in parts where there are several lines, or a character that is cut in two."""

_TEXT_OR_NOT = re.compile("[\udc80-\udcff]+|[^\udc80-\udcff]+")
_LINES = re.compile(r"[^\n]*\n+(?:\r\n)*|[^\n]+")
_MOST_TORN = 6
"""Bytes that may belong to characters cut in two, at both ends of a chunk."""


def to_chunk(data: bytes) -> Chunk:
    """Return the readable form."""
    parts: list[Part] = []
    torn = 0
    for run in _TEXT_OR_NOT.findall(data.decode("utf-8", "surrogateescape")):
        if "\udc80" <= run[0] <= "\udcff":
            torn += len(run)
            parts.append(_binary(run.encode("utf-8", "surrogateescape")))
        else:
            parts += _LINES.findall(run)
    if torn > _MOST_TORN:
        return _binary(data)
    return parts[0] if len(parts) == 1 else tuple(parts)


def from_chunk(chunk: Chunk) -> bytes:
    """Return the bytes.

    Raises:
        ValueError: what should be base64 is not.
    """
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, Binary):
        return base64.b64decode(chunk.base64, validate=True)
    return b"".join(map(from_chunk, chunk))


def _binary(data: bytes) -> Binary:
    return Binary(base64.b64encode(data).decode())


VERSION: Literal[1] = 1

Ending: TypeAlias = Literal["end", "broken", "silence", "unread"]
"""The end of a body: proper; with its connection; none while the reader waited; the reader stopped early."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request. Its body is one of ``json``, ``text`` and ``base64``, or there is none."""

    method: str
    url: str
    headers: dict[str, str] = {}
    json: Any | UnsetType = UNSET
    text: str | UnsetType = UNSET
    base64: str | UnsetType = UNSET


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer.

    Attributes:
        status: ``None`` where none was received.
        body: as received, read by read.
        ending: of the body, or of the wait for the status.
        reason: the cause of a broken connection.
    """

    status: int | None = None
    headers: dict[str, str] = {}
    body: tuple[Chunk, ...] = ()
    ending: Ending = "end"
    reason: str = ""


class Interaction(msgspec.Struct, frozen=True):
    """A request to a provider, and its answer."""

    provider: str
    request: Asked
    answer: Answered


class Cassette(msgspec.Struct, frozen=True):
    """Requests in order, with their answers. ``version`` is that of the format."""

    version: Literal[1]
    interactions: tuple[Interaction, ...] = ()


_decoder = msgspec.json.Decoder(Cassette)


def load(path: Path) -> Cassette:
    """Read a cassette.

    Raises:
        CassetteError: there is none, or it cannot be read.
    """
    try:
        if not path.is_file():
            raise CassetteError(
                f"there is no cassette {path}: make it with record(), or with pytest --llmring-record=once"
            )
        return _decoder.decode(path.read_bytes())
    except (OSError, *DECODE_ERRORS) as error:
        raise CassetteError(f"the cassette {path} cannot be read: {error}", original=error) from error


def save(path: Path, cassette: Cassette) -> None:
    """Write a cassette at once, in place of one that may be there. It holds prompts, so it is its owner's alone.

    Raises:
        CassetteError: it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(cassette), indent=2) + b"\n"
    try:
        write_atomically(path, text, private=True, folders=True)
    except OSError as error:
        raise CassetteError(
            f"the cassette {path} cannot be written: {error.strerror or error}", original=error
        ) from error
