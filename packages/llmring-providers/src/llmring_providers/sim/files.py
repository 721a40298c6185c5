"""Files of a simulated host, in the form of each vendor that keeps some. They are in memory."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from llmring_providers.transport import HttpRequest

_CREATED = "2026-01-01T00:00:00Z"
_SECONDS = 1_767_225_600
_EXPIRES = "2126-01-01T00:00:00Z"
"""Expiry of Gemini's files: a simulated host has no clock, so never within a test."""
_PATH = re.compile(r"(?P<upload>/upload)?/(?P<version>v1|v1beta)/files(?:/(?P<id>[^/:]+))?")
_NAMED = re.compile(rb'"(?:file_id|fileUri)"\s*:\s*"(?:[^"]*/)?(?P<id>[^"/]+)"')
_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_FILENAME = re.compile(rb'name="file"; filename="([^"]*)"')
_TYPE = re.compile(rb"(?i)content-type: ([^\r\n]+)")
_GEMINI = "https://generativelanguage.googleapis.com/v1beta/"
Vendor = Literal["openai", "anthropic", "gemini"]


class HostedFile(msgspec.Struct, frozen=True):
    """A file as the simulated host has it.

    Attributes:
        id: by which requests name it.
        name: as it was uploaded.
        media_type: as it was uploaded.
        data: its bytes.
    """

    id: str
    name: str
    media_type: str
    data: bytes


class FileReply(NamedTuple):
    """An answer about files."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


class HostedFiles:
    """The files of one simulated host, under the paths of OpenAI, Anthropic and Gemini."""

    def __init__(self) -> None:
        self._files: dict[str, HostedFile] = {}
        self._started: dict[str, HostedFile] = {}
        self._number = 0

    def __iter__(self) -> Iterator[HostedFile]:
        return iter(list(self._files.values()))

    def find(self, file_id: str) -> HostedFile | None:
        """Return a file, by its id or its name in Gemini's form."""
        return self._files.get(file_id.removeprefix("files/"))

    def clear(self) -> None:
        """Forget every file, as a host does when files expire."""
        self._files.clear()

    def unknown(self, body: bytes) -> str | None:
        """Return the id of a file that a request names and the host does not have."""
        ids = (found["id"].decode() for found in _NAMED.finditer(body))
        return next((each for each in ids if each not in self._files), None)

    def answer(self, request: HttpRequest) -> FileReply | None:
        """Return the answer to a request about files, ``None`` for any other."""
        target = urlsplit(request.url)
        found = _PATH.fullmatch(target.path)
        if found is None:
            return None
        if found["upload"]:
            return self._resumable(request, parse_qs(target.query))
        vendor = vendor_of(found["version"], request.headers)
        if found["id"] is not None:
            return self._one(request.method, unquote(found["id"]), vendor)
        if request.method == "GET":
            return FileReply(200, _listed(list(self), vendor))
        return FileReply(200, _written(self._add(*_form(request)), vendor))

    def _one(self, method: str, file_id: str, vendor: Vendor) -> FileReply:
        file = self._files.get(file_id)
        if file is None:
            return FileReply(403 if vendor == "gemini" else 404, _not_found(file_id))
        if method == "DELETE":
            del self._files[file_id]
            return FileReply(200, _deleted(file_id, vendor))
        return FileReply(200, _written(file, vendor))

    def _resumable(self, request: HttpRequest, query: Mapping[str, list[str]]) -> FileReply:
        headers = request.headers
        if "upload_id" not in query:
            asked = msgspec.json.decode(request.body or b"{}").get("file", {})
            name = asked.get("display_name") or asked.get("displayName") or ""
            kind = headers.get("x-goog-upload-header-content-type", "application/octet-stream")
            self._number += 1
            ticket = f"ticket{self._number}"
            self._started[ticket] = HostedFile("", name, kind, b"")
            target = urlsplit(request.url)
            host = f"{target.scheme}://{target.netloc}" if target.netloc else f"http://{headers.get('host')}"
            url = f"{host}{target.path}?upload_id={ticket}&upload_protocol=resumable"
            return FileReply(200, {}, {"x-goog-upload-url": url, "x-goog-upload-status": "active"})
        started = self._started.pop(query["upload_id"][0], None)
        if started is None:
            return FileReply(404, _not_found("the upload"))
        file = self._add(started.name, started.media_type, request.body)
        return FileReply(200, {"file": _written(file, "gemini")}, {"x-goog-upload-status": "final"})

    def _add(self, name: str, media_type: str, data: bytes) -> HostedFile:
        self._number += 1
        file = HostedFile(f"file_{self._number:06}", name, media_type, data)
        self._files[file.id] = file
        return file


def vendor_of(version: str, headers: Mapping[str, str]) -> Vendor:
    """Return whose protocol a request speaks, by the version in its path and its headers."""
    if version == "v1beta" or "x-goog-api-key" in headers:
        return "gemini"
    return "anthropic" if "anthropic-version" in headers else "openai"


def _form(request: HttpRequest) -> tuple[str, str, bytes]:
    """Return name, media type and content of the file in a multipart form."""
    boundary = _BOUNDARY.search(request.headers.get("content-type", ""))
    for part in request.body.split(b"--" + boundary[1].encode()) if boundary else ():
        head, _, content = part.partition(b"\r\n\r\n")
        name, kind = _FILENAME.search(head), _TYPE.search(head)
        if name is not None:
            media_type = kind[1].decode() if kind else "application/octet-stream"
            return name[1].decode(), media_type, content.removesuffix(b"\r\n")
    return "unnamed", "application/octet-stream", b""


def _written(file: HostedFile, vendor: Vendor) -> dict[str, Any]:
    if vendor == "gemini":
        return {
            "name": f"files/{file.id}",
            "displayName": file.name,
            "mimeType": file.media_type,
            "sizeBytes": str(len(file.data)),
            "createTime": _CREATED,
            "expirationTime": _EXPIRES,
            "uri": f"{_GEMINI}files/{file.id}",
            "state": "ACTIVE",
        }
    if vendor == "anthropic":
        return {
            "id": file.id,
            "type": "file",
            "filename": file.name,
            "mime_type": file.media_type,
            "size_bytes": len(file.data),
            "created_at": _CREATED,
            "downloadable": False,
        }
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.data),
        "created_at": _SECONDS,
        "filename": file.name,
        "purpose": "user_data",
        "status": "processed",
    }


def _listed(files: Sequence[HostedFile], vendor: Vendor) -> dict[str, Any]:
    written = [_written(file, vendor) for file in files]
    if vendor == "gemini":
        return {"files": written}
    last = files[-1].id if files else None
    return {"object": "list", "data": written, "has_more": False, "last_id": last}


def _deleted(file_id: str, vendor: Vendor) -> dict[str, Any]:
    if vendor == "gemini":
        return {}
    kind = {"type": "file_deleted"} if vendor == "anthropic" else {"object": "file", "deleted": True}
    return {"id": file_id, **kind}


def _not_found(what: str) -> dict[str, Any]:
    return {"error": {"message": f"no such file: {what}", "type": "not_found_error", "code": "not_found"}}
