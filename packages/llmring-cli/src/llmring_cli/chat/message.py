"""One message from the command line, from what is piped in, and from files."""

import re
import sys
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from llmring_types import Message
from llmring_types.exceptions import ValidationError

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Those that all providers with vision take."""
_ADDRESS = re.compile("https?://", re.IGNORECASE)
_PIECE = 65536
_MOST_BYTES = 100_000_000
"""Of one file: as much as any provider takes, so that a device without an end does not fill the memory."""
_EXAMPLE = 'llmring chat "Hello"'


def read_message(text: str | None, files: Sequence[Path] = ()) -> Message:
    """Return the user's message.

    What is piped into the command comes below the text; images and PDF files become parts of their own, and text files
    are quoted under their names.

    Args:
        text: of the command line; ``None`` or ``-`` where there is none.
        files: what to attach.

    Raises:
        ValidationError: there is no message, or a file cannot be attached.
    """
    parts_of_text = [] if text in (None, "-") else [str(text)]
    if sys.stdin is not None and not sys.stdin.isatty():
        parts_of_text.append(piped(_EXAMPLE))
    elif not parts_of_text and not files:
        raise ValidationError(f"there is no message: {_EXAMPLE}", field="message")
    words = "\n\n".join(part for part in parts_of_text if part.strip())
    if not words and not files:
        raise ValidationError(f"the message is empty: {_EXAMPLE}", field="message")
    if not files:
        return Message(role="user", content=words)
    parts = [attachment(str(path)) for path in files]
    return Message(role="user", content=[*parts, {"type": "text", "text": words}] if words else parts)


def piped(example: str) -> str:
    """Return what is piped into the command.

    Args:
        example: a command line that needs no pipe.

    Raises:
        ValidationError: nothing is, or it is not text.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise ValidationError(f"there is no text: {example}", field="message")
    stdin = cast("BufferedIOBase", sys.stdin.buffer)
    try:
        # In pieces, since a signal that comes between two reads of one whole would wait for the next.
        return b"".join(iter(lambda: stdin.read1(_PIECE), b"")).decode()
    except UnicodeDecodeError as error:
        raise ValidationError(f"standard input is not text: {error}", field="message") from error


def refuse_link_out(path: Path) -> None:
    """Refuse a link in this folder that leads out of it: the author of a repository may have made it.

    Raises:
        ValidationError: it is one.
    """
    here = Path.cwd()
    if path.absolute().is_relative_to(here) and not path.resolve().is_relative_to(here.resolve()):
        raise ValidationError(
            f"cannot read {path}: a symbolic link leads out of this folder to {path.resolve()}; name that file itself",
            field="file",
        )


def read_file(path: Path) -> bytes:
    """Return the content of a file that the user names.

    Raises:
        ValidationError: it cannot be read, is too large, or is a link in this folder that leads out of it.
    """
    refuse_link_out(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ValidationError(f"cannot attach {path}: {error.strerror}", field="file") from error
    if len(data) > _MOST_BYTES:
        raise ValidationError(f"cannot attach {path}: it has more than {_MOST_BYTES:,} bytes", field="file")
    return data


def attachment(name: str) -> dict[str, Any]:
    """Return the part of a message for a file or an address, which the provider fetches.

    Args:
        name: a path, or a URL of an image or, if it ends in ``.pdf``, a document.

    Raises:
        ValidationError: it cannot be attached.
    """
    from llmring.content import document, image, media_type_of  # noqa: PLC0415 - only with files

    if _ADDRESS.match(name):
        return document(name) if urlsplit(name).path.lower().endswith(".pdf") else image(name)
    path = Path(name).expanduser()
    data = read_file(path)
    media_type = media_type_of(data)
    if media_type == "application/pdf":
        return document(data, media_type=media_type)
    if media_type in _IMAGES:
        return image(data, media_type=media_type)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"cannot attach {path}: it is neither text, nor a PNG, JPEG, GIF or WebP image, nor a PDF",
            field="file",
        ) from error
    return {"type": "text", "text": f"File {path.name}:\n\n{text}"}
