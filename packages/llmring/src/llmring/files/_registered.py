"""Files as they are registered, and what is read of them."""

import codecs
import hashlib
from collections.abc import Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec
from llmring_providers.files import FileUpload, StoredFile
from llmring_types import LLMRequest, Message
from llmring_types.exceptions import ValidationError

from llmring.content import audio, document, image, media_type_of

_PIECE = 2**20


class FileCopy(TypedDict):
    """A copy of a registered file at a provider.

    Attributes:
        provider_file_id: by which the provider knows it.
        uploaded_at: ISO 8601, in UTC.
        expires_at: when the provider forgets it, ISO 8601; ``None`` for never.
    """

    provider_file_id: str
    uploaded_at: str
    expires_at: str | None


class RegisteredFile(TypedDict):
    """A registered file, with its copies.

    Attributes:
        id: for :attr:`LLMRequest.files`.
        file_path: absolute.
        content_hash: SHA-256 of the content when it was last looked at, in hexadecimal.
        registered_at: ISO 8601, in UTC.
        uploads: the copies, by provider.
    """

    id: str
    file_path: str
    content_hash: str
    registered_at: str
    uploads: dict[str, FileCopy]


class Entry(msgspec.Struct):
    """A file on the disk, with the digest of its content when it was last looked at."""

    id: str
    path: Path
    digest: str
    registered_at: datetime


class Copy(msgspec.Struct, frozen=True):
    """A content at a provider, and since when it is there."""

    stored: StoredFile
    uploaded_at: datetime

    def is_expired(self, now: datetime) -> bool:
        expires = self.stored.expires_at
        return expires is not None and expires <= now

    def shown(self) -> FileCopy:
        expires = self.stored.expires_at
        return FileCopy(
            provider_file_id=self.stored.id,
            uploaded_at=self.uploaded_at.isoformat(),
            expires_at=None if expires is None else expires.isoformat(),
        )


class Content(NamedTuple):
    """A file as it was read."""

    digest: str
    upload: FileUpload


def digest_of(path: str | PathLike[str]) -> str:
    """Return the SHA-256 of a file in hexadecimal, read piece by piece.

    Raises:
        OSError: it is not there (``FileNotFoundError``), or cannot be read.
    """
    found = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def media_type_at(path: Path) -> str:
    """Return the media type that the beginning of a file shows.

    Raises:
        OSError: it cannot be read.
        ValidationError: it is empty, or of no known type (also a ``ValueError``).
    """
    with path.open("rb") as file:
        head = file.read(_PIECE)
        if file.read(1):
            head = _without_cut_character(head)
    if not head:
        raise ValidationError(f"{path} is empty", field="files")
    kind = media_type_of(head)
    if kind is None:
        raise ValidationError(f"{path} is of no known type", field="files")
    return kind


def _without_cut_character(head: bytes) -> bytes:
    """Return the beginning of a file without the character of UTF-8 that its end may have cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
    except UnicodeDecodeError:
        return head
    cut, _ = decoder.getstate()
    return head.removesuffix(cut)


def read(path: Path) -> Content:
    """Read a file whole.

    Raises:
        OSError: it cannot be read.
        ValidationError: it is empty, or of no known type (also a ``ValueError``).
    """
    kind, data = media_type_at(path), path.read_bytes()
    return Content(hashlib.sha256(data).hexdigest(), FileUpload(path.name, kind, data))


def inline(upload: FileUpload) -> dict[str, Any]:
    """Return a file as a part that has its bytes."""
    family, size = upload.media_type.partition("/")[0], len(upload.data)
    if family == "image":
        return image(upload.data, media_type=upload.media_type, max_bytes=size)
    if family == "audio":
        return audio(upload.data, media_type=upload.media_type, max_bytes=size)
    part = document(upload.data, name=upload.name, media_type=upload.media_type, max_bytes=size)
    return {**part, "type": "video"} if family == "video" else part


def with_parts(request: LLMRequest, parts: Sequence[dict[str, Any]]) -> LLMRequest:
    """Return the request with the parts before the text of the first message of the user, in place of its files.

    There they stay where they are while a conversation grows, so that providers' caches hold.
    """
    messages = list(request.messages)
    place = next((place for place, each in enumerate(messages) if each.role == "user"), None)
    if place is None:
        messages.append(Message(role="user", content=list(parts)))
    else:
        content = messages[place].content
        said = [{"type": "text", "text": content}] if isinstance(content, str) else content
        messages[place] = msgspec.structs.replace(messages[place], content=[*parts, *said])
    return msgspec.structs.replace(request, messages=messages, files=None)
