"""Files in the form of each vendor. Bytes in, bytes out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._json import DECODE_ERRORS
from llmring_providers.anthropic.parts import FILES_BETA
from llmring_providers.files.calls import FileCodec, FilePage, FileState, FileUpload, StoredFile, multipart
from llmring_providers.transport import HttpRequest, HttpResponse

T = TypeVar("T")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF = "application/pdf"


class _OpenAIFile(msgspec.Struct):
    id: str
    filename: str | None = None
    bytes: int | None = None
    created_at: int | None = None
    expires_at: int | None = None


class _OpenAIPage(msgspec.Struct):
    data: list[_OpenAIFile]
    has_more: bool = False


class OpenAIFiles:
    """``/files``; requests name PDF files, and everything else goes inline.

    https://platform.openai.com/docs/api-reference/files/create,
    https://developers.openai.com/api/docs/guides/file-inputs
    """

    headers: Mapping[str, str] = MappingProxyType({})
    listing = "/files?limit=1000"

    def takes(self, media_type: str) -> bool:
        return media_type == _PDF

    def path(self, file_id: str) -> str:
        return f"/files/{quote(file_id, safe='')}"

    def upload(self, upload: FileUpload, base_url: str) -> HttpRequest:
        kind, body = multipart({"purpose": upload.purpose}, upload)
        return HttpRequest("POST", f"{base_url}/files", {"content-type": kind}, body)

    def following(self, reply: HttpResponse, upload: FileUpload, base_url: str) -> HttpRequest | None:  # noqa: ARG002
        return None

    def decode(self, body: bytes) -> StoredFile:
        return self._stored(_decoded(body, _OpenAIFile, "openai"))

    def page(self, body: bytes) -> FilePage:
        page = _decoded(body, _OpenAIPage, "openai")
        following = f"{self.listing}&after={quote(page.data[-1].id)}" if page.has_more and page.data else None
        return FilePage([self._stored(each) for each in page.data], following)

    def part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "file", "file": {"file_id": stored.id}}

    def _stored(self, file: _OpenAIFile) -> StoredFile:
        return StoredFile(
            id=file.id,
            name=file.filename,
            size_bytes=file.bytes,
            created_at=_moment(file.created_at),
            expires_at=_moment(file.expires_at),
        )


class _AnthropicFile(msgspec.Struct):
    id: str
    filename: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None


class _AnthropicPage(msgspec.Struct):
    data: list[_AnthropicFile]
    has_more: bool = False
    last_id: str | None = None


class AnthropicFiles:
    """``/v1/files``, a beta: https://platform.claude.com/docs/en/build-with-claude/files"""

    headers: Mapping[str, str] = MappingProxyType({"anthropic-beta": FILES_BETA})
    listing = "/v1/files?limit=1000"

    def takes(self, media_type: str) -> bool:
        return media_type in _IMAGES or media_type in (_PDF, "text/plain")

    def path(self, file_id: str) -> str:
        return f"/v1/files/{quote(file_id, safe='')}"

    def upload(self, upload: FileUpload, base_url: str) -> HttpRequest:
        kind, body = multipart({}, upload)
        return HttpRequest("POST", f"{base_url}/v1/files", {"content-type": kind}, body)

    def following(self, reply: HttpResponse, upload: FileUpload, base_url: str) -> HttpRequest | None:  # noqa: ARG002
        return None

    def decode(self, body: bytes) -> StoredFile:
        return self._stored(_decoded(body, _AnthropicFile, "anthropic"))

    def page(self, body: bytes) -> FilePage:
        page = _decoded(body, _AnthropicPage, "anthropic")
        more = page.has_more and page.last_id
        following = f"{self.listing}&after_id={quote(page.last_id or '')}" if more else None
        return FilePage([self._stored(each) for each in page.data], following)

    def part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:
        source = {"type": "file", "file_id": stored.id}
        if media_type in _IMAGES:
            return {"type": "image", "source": source}
        return {"type": "document", "source": source, "title": name}

    def _stored(self, file: _AnthropicFile) -> StoredFile:
        return StoredFile(
            id=file.id,
            name=file.filename,
            media_type=file.mime_type,
            size_bytes=file.size_bytes,
            created_at=file.created_at,
            expires_at=file.expires_at,
        )


class _GeminiFile(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    mime_type: str | None = None
    size_bytes: str | None = None
    create_time: datetime | None = None
    expiration_time: datetime | None = None
    uri: str | None = None
    state: str | None = None


class _GeminiUploaded(msgspec.Struct):
    file: _GeminiFile


class _GeminiPage(msgspec.Struct, rename="camel"):
    files: list[_GeminiFile] = []
    next_page_token: str | None = None


_STATES: Mapping[str, FileState] = {"PROCESSING": "processing", "FAILED": "failed"}


class GeminiFiles:
    """``files``, with the resumable upload in one piece; Gemini forgets them after 48 hours.

    https://ai.google.dev/gemini-api/docs/files, https://ai.google.dev/api/files
    """

    headers: Mapping[str, str] = MappingProxyType({})
    listing = "/files?pageSize=100"

    def takes(self, media_type: str) -> bool:
        return media_type == _PDF or media_type.startswith(("image/", "audio/", "video/", "text/"))

    def path(self, file_id: str) -> str:
        return f"/files/{quote(file_id.removeprefix('files/'), safe='')}"

    def upload(self, upload: FileUpload, base_url: str) -> HttpRequest:
        host, _, version = base_url.rpartition("/")
        size = len(upload.data)
        headers = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(size),
            "x-goog-upload-header-content-type": upload.media_type,
        }
        described = {"display_name": upload.name, "mime_type": upload.media_type, "size_bytes": size}
        body = msgspec.json.encode({"file": described})
        return HttpRequest("POST", f"{host}/upload/{version}/files", headers, body)

    def following(self, reply: HttpResponse, upload: FileUpload, base_url: str) -> HttpRequest | None:
        url = reply.headers.get("x-goog-upload-url") or ""
        if (
            urlsplit(url)[:2] != urlsplit(base_url)[:2]
        ):  # the content goes where the base URL says, and nowhere else
            raise MalformedResponseError(
                "the answer to the start of the upload names no address on the same host", provider="google"
            )
        headers = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-offset": "0",
            "x-goog-upload-command": "upload, finalize",
            "content-type": upload.media_type,
        }
        return HttpRequest("POST", url, headers, upload.data)

    def decode(self, body: bytes) -> StoredFile:
        if b'"file"' in body[:64]:
            return self._stored(_decoded(body, _GeminiUploaded, "google").file)
        return self._stored(_decoded(body, _GeminiFile, "google"))

    def page(self, body: bytes) -> FilePage:
        page = _decoded(body, _GeminiPage, "google")
        token = page.next_page_token
        following = f"{self.listing}&pageToken={quote(token, safe='')}" if token else None
        return FilePage([self._stored(each) for each in page.files], following)

    def part(self, stored: StoredFile, media_type: str, name: str) -> dict[str, Any]:  # noqa: ARG002
        family = media_type.partition("/")[0]
        kind = family if family in ("image", "audio", "video") else "document"
        return {"type": kind, "source": {"type": "url", "url": stored.uri, "media_type": media_type}}

    def _stored(self, file: _GeminiFile) -> StoredFile:
        size = file.size_bytes or ""
        return StoredFile(
            id=file.name,
            name=file.display_name,
            media_type=file.mime_type,
            size_bytes=int(size) if size.isdecimal() else None,
            created_at=file.create_time,
            expires_at=file.expiration_time,
            uri=file.uri,
            state=_STATES.get(file.state or "", "ready"),
        )


_CODECS: Mapping[str, FileCodec] = {
    "openai": OpenAIFiles(),
    "anthropic": AnthropicFiles(),
    "google": GeminiFiles(),
}


def file_codec(provider: str) -> FileCodec | None:
    """Return the form of a provider's files; ``None`` where it keeps none."""
    return _CODECS.get(provider)


def _decoded(body: bytes, kind: type[T], provider: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except DECODE_ERRORS as error:
        raise MalformedResponseError(
            f"the answer about a file is not in the form of {provider}: {error}",
            provider=provider,
            original=error,
        ) from error


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
