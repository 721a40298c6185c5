"""The parts of a message as content blocks of Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

from llmring_types import Role
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.media import document_text
from llmring_providers._protocol import ChatCall

Block = dict[str, Any]

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
_AUDIO = frozenset({"mp3", "wav", "flac", "aac", "opus", "ogg", "m4a", "mp4", "webm", "mka", "mkv", "pcm"})
_VIDEO = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
IMAGE_TYPES = {form: media_type for media_type, form in _IMAGES.items()}
DOCUMENT_TYPES = {form: media_type for media_type, form in _DOCUMENTS.items()}
"""Media types by the names of formats."""
_NATIVE = frozenset({"guardContent", "searchResult", "cachePoint", "image", "document", "video", "audio"})
"""Blocks of Converse's own that pass as they are; a part of ours has a ``type``."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s()\[\]-]+")
_BLANKS = re.compile(r"\s+")
_LONGEST_NAME = 200
_BUCKET = "s3://"


class Documents:
    """The names of the documents of one conversation, no two of which are the same.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, given: Any) -> str:
        """Return a name that Bedrock takes: letters and digits of ASCII, single blanks, hyphens and brackets."""
        wanted = _NOT_IN_NAMES.sub("-", given) if isinstance(given, str) else ""
        wanted = _BLANKS.sub(" ", wanted).strip(" -")[: _LONGEST_NAME - 5] or "Document"
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted} {number}"
        self._taken.add(name)
        return name


def is_blank(text: str) -> bool:
    """Return whether Bedrock would refuse a text: empty, or nothing but white space."""
    return not text or text.isspace()


def blocks_of(
    content: str | list[Any] | None, role: Role, call: ChatCall, documents: Documents
) -> list[Block]:
    """Translate a content; blank texts are left out. A part that asks for it is followed by a mark for the cache.

    Raises:
        UnsupportedContentError: a part that Bedrock, or this role there, has no place for.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [] if is_blank(content) else [{"text": content}]
    blocks: list[Block] = []
    for part in content:
        block = _block(part, role, call, documents)
        if block is None:
            continue
        blocks.append(block)
        if (mark := part.get("cache_control")) is not None:
            blocks.append(cache_point(mark))
    return blocks


def cache_point(mark: Any) -> Block:
    """Translate a mark in Anthropic's form.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CachePointBlock.html
    """
    ttl = mark.get("ttl") if isinstance(mark, Mapping) else None
    return {"cachePoint": {"type": "default"} if ttl is None else {"type": "default", "ttl": ttl}}


def _block(part: Block, role: Role, call: ChatCall, documents: Documents) -> Block | None:
    kind = part["type"]
    if kind in ("text", "refusal"):
        text = part.get(kind)
        return {"text": text} if isinstance(text, str) and not is_blank(text) else None
    inner = part.get(kind)
    if kind in _NATIVE and isinstance(inner, Mapping):
        return {kind: dict(inner)}
    if role in ("assistant", "system"):
        raise _unsupported(call, kind, f"in a message of the {role}; only text goes there")
    return _media(part, call, documents)


def _media(part: Block, call: ChatCall, documents: Documents) -> Block:
    kind = part["type"]
    if kind in ("image_url", "video_url"):
        return _from_url(_inner(part, "url"), kind, call)
    if kind == "input_audio":
        audio = part.get("input_audio")
        if isinstance(audio, Mapping) and audio.get("format") in _AUDIO:
            return {"audio": {"format": audio["format"], "source": {"bytes": audio.get("data")}}}
        raise _unsupported(call, kind, "of another format than MP3, WAV, FLAC, AAC, Opus or Ogg")
    if kind == "document" or (kind == "image" and isinstance(part.get("source"), Mapping)):
        return _from_source(part, call, documents)
    file = part.get("file")
    if kind == "file" and isinstance(file, Mapping) and "file_data" in file:
        return _from_url(file["file_data"], kind, call, documents, file.get("filename"))
    raise _unsupported(call, kind, "; use text, image_url, document, file or input_audio")


def _inner(part: Block, name: str) -> Any:
    inner = part.get(part["type"])
    return inner.get(name) if isinstance(inner, Mapping) else inner


def _from_source(part: Block, call: ChatCall, documents: Documents) -> Block:
    source, kind = part.get("source"), part["type"]
    if not isinstance(source, Mapping):
        raise _unsupported(call, kind, "without a source")
    if source.get("type") == "url":
        return _from_url(source.get("url"), kind, call)
    name = part.get("title") or part.get("filename")
    try:
        text = document_text(source)
    except ValueError as error:
        raise _unsupported(call, kind, "that is not UTF-8 text in base64") from error
    if text is not None:
        media_type = str(source.get("media_type") or "text/plain").lower()
        data = base64.b64encode(text.encode()).decode()
        block = _document(data, _DOCUMENTS.get(media_type, "txt"), documents.name(name))
    else:
        block = _from_base64(
            source.get("media_type"), source.get("data"), kind, call, documents=documents, name=name
        )
    if "document" in block:
        block["document"].update((key, part[key]) for key in ("context", "citations") if key in part)
    return block


def _from_url(
    url: Any, kind: str, call: ChatCall, documents: Documents | None = None, name: Any = None
) -> Block:
    """Translate a data URL, or the address of an object in S3; Bedrock fetches nothing else."""
    if isinstance(url, str) and url.startswith(_BUCKET):
        return _in_bucket(url, kind, call)
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    scheme, *parameters = head.split(";")
    if scheme[:5].lower() != "data:" or not comma or "base64" not in parameters:
        raise _unsupported(
            call, kind, "whose address is neither s3:// nor a base64 data URL: Bedrock fetches nothing else"
        )
    return _from_base64(scheme[5:], data, kind, call, documents=documents or Documents(), name=name)


def _in_bucket(url: str, kind: str, call: ChatCall) -> Block:
    end = url.rpartition(".")[2].lower()
    end = {"jpg": "jpeg", "3gp": "three_gp"}.get(end, end)
    source = {"s3Location": {"uri": url}}
    if kind == "video_url" and end in _VIDEO.values():
        return {"video": {"format": end, "source": source}}
    if kind != "video_url" and end in _IMAGES.values():
        return {"image": {"format": end, "source": source}}
    raise _unsupported(call, kind, f"of the format {end!r}")


def _from_base64(
    media_type: Any, data: Any, kind: str, call: ChatCall, *, documents: Documents, name: Any
) -> Block:
    media_type = str(media_type or "").lower().replace("image/jpg", "image/jpeg")
    if (form := _IMAGES.get(media_type)) is not None:
        return {"image": {"format": form, "source": {"bytes": data}}}
    if (form := _VIDEO.get(media_type)) is not None:
        return {"video": {"format": form, "source": {"bytes": data}}}
    if media_type.startswith("text/") or media_type in _DOCUMENTS:
        return _document(data, _DOCUMENTS.get(media_type, "txt"), documents.name(name))
    raise _unsupported(
        call,
        kind,
        f"of {media_type or 'no media type'}; it takes JPEG, PNG, GIF, WebP, PDF, Word, Excel, text and video",
    )


def _document(data: Any, form: str, name: str) -> Block:
    return {"document": {"format": form, "name": name, "source": {"bytes": data}}}


def _unsupported(call: ChatCall, kind: str, why: str) -> UnsupportedContentError:
    return UnsupportedContentError(
        f"{call.ref.provider} cannot take a {kind!r} part{'' if why.startswith(';') else ' '}{why}",
        provider=call.ref.provider,
        part=kind,
    )
