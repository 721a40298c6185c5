"""Files on their way to a provider and as it keeps them, before and after the form of any vendor."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from llmring_providers.transport import HttpRequest, HttpResponse

FileState = Literal["ready", "processing", "failed"]


class FileUpload(NamedTuple):
    """A file to be uploaded.

    Attributes:
        name: shown to the model and in lists.
        media_type: such as ``application/pdf``.
        data: its bytes; the ``repr`` has only their number.
        purpose: what OpenAI keeps it for: ``user_data`` is named by requests, ``batch`` holds some.
    """

    name: str
    media_type: str
    data: bytes
    purpose: str = "user_data"

    def __repr__(self) -> str:
        return f"FileUpload({self.name!r}, {self.media_type!r}, {len(self.data):,} bytes)"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file as a provider keeps it.

    Attributes:
        id: by which the provider knows it.
        name: as it was uploaded.
        media_type: ``None`` where the provider does not say.
        size_bytes: of the content.
        created_at: with its time zone.
        expires_at: when the provider forgets it; ``None`` for never.
        uri: its address, where requests name it by that (Gemini).
        state: ``processing`` until requests may name it.
    """

    id: str
    name: str | None = None
    media_type: str | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    uri: str | None = None
    state: FileState = "ready"


class FilePage(NamedTuple):
    """A part of a list of files, and the path of the next one, if any."""

    files: Sequence[StoredFile]
    following: str | None = None


class FileCodec(Protocol):
    """One vendor's form. Bytes in, bytes out; headers with the key are added by whoever sends.

    Attributes:
        headers: of every request.
        listing: the path of the first page of the list.
    """

    headers: Mapping[str, str]
    listing: str

    def takes(self, media_type: str) -> bool:
        """Return whether requests may name an uploaded file of this type."""

    def path(self, file_id: str) -> str:
        """Return the path of one file, below the base URL."""

    def upload(self, upload: FileUpload, base_url: str) -> HttpRequest:
        """Return the first request of an upload."""

    def following(self, reply: HttpResponse, upload: FileUpload, base_url: str) -> HttpRequest | None:
        """Return the request after the first one; ``None`` where that was all.

        Raises:
            MalformedResponseError: the answer does not say where to go on.
        """

    def decode(self, body: bytes) -> StoredFile:
        """Read the answer to an upload, or to the question for one file.

        Raises:
            MalformedResponseError: it is not in the vendor's form.
        """

    def page(self, body: bytes) -> FilePage:
        """Read one page of the list.

        Raises:
            MalformedResponseError: it is not in the vendor's form.
        """

    def part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:
        """Return the part of a message that names the file, in the form that the vendor's adapter takes."""


@runtime_checkable
class KeepsFiles(Protocol):
    """A provider that keeps files; third-party ones may have the methods too."""

    def takes_file(self, media_type: str) -> bool:
        """Return whether a request may name an uploaded file of this type; if not, it goes inline."""

    async def upload_file(self, upload: FileUpload) -> StoredFile:
        """Upload a file.

        Raises:
            ModelCapabilityError: the provider keeps no files.
            ProviderError: it refused, or cannot be reached.
        """

    async def get_file(self, file_id: str) -> StoredFile | None:
        """Return what the provider says of a file; ``None`` if it has none of this id."""

    async def delete_file(self, file_id: str) -> bool:
        """Delete a file; ``False`` if the provider has none of this id."""

    async def list_files(self) -> list[StoredFile]:
        """Return every file that the provider keeps for this key."""

    def file_part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:
        """Return the part of a message that names the file."""


def multipart(fields: Mapping[str, str], upload: FileUpload) -> tuple[str, bytes]:
    """Return media type and body of a form with a file: RFC 7578.

    The boundary comes of the content, so that the same upload is the same request. Quotes and line breaks in names are
    escaped as browsers do: https://html.spec.whatwg.org/#multipart-form-data
    """
    boundary = hashlib.sha256(b"llmring" + upload.data).hexdigest()
    name = upload.name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
    texts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {upload.media_type}\r\n\r\n"
    ).encode(errors="replace")
    body = b"".join([*texts, head, upload.data, f"\r\n--{boundary}--\r\n".encode()])
    return f"multipart/form-data; boundary={boundary}", body
