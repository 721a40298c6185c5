"""What a cassette holds, and its file."""

from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from llmring_lockfile import write_atomically
from llmring_types.exceptions import CassetteError
from msgspec import UNSET, UnsetType

from llmring._json import DECODE_ERRORS
from llmring.testing._cassettes.bodies import Chunk

VERSION: Literal[1] = 1

Ending: TypeAlias = Literal["end", "broken", "silence", "unread"]
"""How a body ended: properly; with its connection; it did not while somebody waited; nobody read on."""


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
        status: ``None`` where not even that came.
        body: as it came, read by read.
        ending: of the body, or of the wait for the status.
        reason: what broke.
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
    """What was asked, in order, and what was said. ``version`` is that of the format."""

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
