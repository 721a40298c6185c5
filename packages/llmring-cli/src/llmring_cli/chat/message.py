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
_STDIN = "-"
_EXAMPLE = 'llmring chat "Hello"'


def read_words(text: str | None, files: Sequence[str] = (), *, needed: bool = True) -> str:
    """Return the text of the user's message; what is piped into the command comes below that of the command line.

    Args:
        text: of the command line; ``None`` or ``-`` where there is none.
        files: to attach; ``-`` among them stands for what is piped in, which then is no text.
        needed: whether there must be one where nothing is attached.

    Raises:
        ValidationError: there is no message.
    """
    parts = [] if text in (None, "-") else [str(text)]
    if sys.stdin is not None and not sys.stdin.isatty() and _STDIN not in files:
        parts.append(piped(_EXAMPLE))
    elif not parts and not files and needed:
        raise ValidationError(f"there is no message: {_EXAMPLE}", field="message")
    words = "\n\n".join(part for part in parts if part.strip())
    if not words and not files and needed:
        raise ValidationError(f"the message is empty: {_EXAMPLE}", field="message")
    return words


def message_of(words: str, files: Sequence[str]) -> Message:
    """Return the user's message: images and PDF files are parts of their own, text files are quoted under their names.

    Args:
        words: its text.
        files: paths, patterns of them, addresses, or ``-`` for what is piped into the command.

    Raises:
        ValidationError: a file cannot be attached.
    """
    if not files:
        return Message(role="user", content=words)
    parts = [attachment(name) for file in files for name in matches(file)]
    return Message(role="user", content=[*parts, {"type": "text", "text": words}] if words else parts)


def matches(name: str) -> Sequence[str]:
    """Return the files of a pattern such as ``scans/*.png``, sorted; what is none stands for itself.

    Raises:
        ValidationError: the pattern has no files.
    """
    from glob import glob, has_magic  # noqa: PLC0415 - only with files

    path = str(Path(name).expanduser())
    if name == _STDIN or _ADDRESS.match(name) or not has_magic(path) or Path(path).exists():
        return [name]
    files = glob(path, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = sorted(each for each in files if Path(each).is_file())
    if not found:
        raise ValidationError(f"no file matches {name}", field="file")
    return found


def piped(example: str) -> str:
    """Return what is piped into the command.

    Args:
        example: a command line that needs no pipe.

    Raises:
        ValidationError: nothing is, or it is not text.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise ValidationError(f"there is no text: {example}", field="message")
    try:
        return _piped_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValidationError(f"standard input is not text: {error}", field="message") from error


def _piped_bytes() -> bytes:
    stdin = cast("BufferedIOBase", sys.stdin.buffer)
    # In pieces, since a signal that comes between two reads of one whole would wait for the next.
    return b"".join(iter(lambda: stdin.read1(_PIECE), b""))


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
        raise ValidationError(f"cannot read {path}: {error.strerror}", field="file") from error
    if len(data) > _MOST_BYTES:
        raise ValidationError(f"cannot read {path}: it has more than {_MOST_BYTES:,} bytes", field="file")
    return data


def attachment(name: str) -> dict[str, Any]:
    """Return the part of a message for a file or an address, which the provider fetches.

    Args:
        name: a path; a URL of an image or, if it ends in ``.pdf``, a document; ``-`` for what is piped in.

    Raises:
        ValidationError: it cannot be attached.
    """
    from llmring.content import document, image, media_type_of  # noqa: PLC0415 - only with files

    if _ADDRESS.match(name):
        return document(name) if urlsplit(name).path.lower().endswith(".pdf") else image(name)
    path = Path(name).expanduser()
    if name == _STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise ValidationError("nothing is piped in that could be attached", field="file")
        path, data = Path("stdin"), _piped_bytes()
    else:
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
