"""Parts of a message as Gemini's parts: text, inline bytes, and files by address.

https://ai.google.dev/gemini-api/docs/file-input-methods
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._protocol import ChatCall
from llmring_providers.google.models import GeminiModel

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?P<more>[^,]*),(?P<data>.*)", re.DOTALL)
_OWN_FILES = re.compile(
    r"gs://|https://generativelanguage\.googleapis\.com/|https://(?:www\.|m\.)?(?:youtube\.com|youtu\.be)/"
)
"""Addresses that every model reads: Cloud Storage, the Files API, YouTube."""

_FETCHED = frozenset({"image", "document", "file"})
"""Media types read from other public addresses; sound and video are not (Vertex AI reads them all)."""

_WITH_SOURCE = frozenset({"image", "document", "audio", "video", "file"})
_DEFAULT_TYPES = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/pdf",
    "file": "application/pdf",
}
_SUFFIX = re.compile(r"\.(\w+)(?:[?#].*)?$")
_TYPES = {
    "bmp": "image/bmp",
    "csv": "text/csv",
    "gif": "image/gif",
    "heic": "image/heic",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "mov": "video/mov",
    "mp3": "audio/mp3",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xml": "text/xml",
}
"""By the end of an address; the standard library's table is another on every machine."""

_AUDIO_TYPES = {"mp3": "audio/mp3", "wav": "audio/wav"}


def part_of(part: Mapping[str, Any], call: ChatCall, model: GeminiModel) -> dict[str, Any]:
    """Translate one part of a message.

    Raises:
        UnsupportedContentError: Gemini has no place for it.
    """
    kind = part["type"]
    if kind in ("text", "refusal"):
        text = part.get(kind)
        return (
            {"text": text}
            if isinstance(text, str)
            else _unsupported(kind, f"a {kind!r} part without one", call)
        )
    if kind.endswith("_url") and kind.removesuffix("_url") in _WITH_SOURCE:
        address = part.get(kind)
        url = address.get("url") if isinstance(address, Mapping) else address
        return _from_url(url, kind.removesuffix("_url"), None, call, model)
    if kind == "input_audio":
        audio = _mapping(part, kind, call)
        form = str(audio.get("format") or "wav")
        return _inline(_AUDIO_TYPES.get(form, f"audio/{form}"), audio.get("data"), kind, call)
    if kind == "file" and "file" in part:
        file = _mapping(part, kind, call)
        return _from_url(file.get("file_data") or file.get("file_id"), kind, None, call, model)
    if kind in _WITH_SOURCE:
        return _from_source(_mapping(part, "source", call), kind, call, model)
    return _unsupported(kind, f"a {kind!r} part", call)


def without_empty_texts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts but for texts that say nothing, which Vertex AI refuses."""
    return [part for part in parts if part != {"text": ""}]


def _from_source(source: Mapping[str, Any], kind: str, call: ChatCall, model: GeminiModel) -> dict[str, Any]:
    media_type, form = source.get("media_type"), source.get("type")
    if form == "base64":
        return _inline(media_type or _DEFAULT_TYPES[kind], source.get("data"), kind, call)
    if form == "url":
        return _from_url(source.get("url"), kind, media_type, call, model)
    if form == "text" and isinstance(source.get("data"), str):
        data = base64.b64encode(source["data"].encode(errors="replace")).decode()
        return _inline(media_type or "text/plain", data, kind, call)
    return _unsupported(kind, f"a {kind!r} part with a source of type {form!r}", call)


def _from_url(url: Any, kind: str, media_type: Any, call: ChatCall, model: GeminiModel) -> dict[str, Any]:
    if not isinstance(url, str) or not url:
        return _unsupported(kind, f"a {kind!r} part without an address", call)
    if url.startswith("data:"):
        return _from_data_url(url, kind, call)
    if not _OWN_FILES.match(url):
        if not url.startswith(("http://", "https://")):
            return _unsupported(kind, f"a {kind!r} part at an address other than http(s), gs or data", call)
        if not model.fetches_urls or (kind not in _FETCHED and not model.on_vertex):
            return _unsupported(kind, f"a {kind!r} part by a web address (send its bytes instead)", call)
    file = {"fileUri": url}
    ending = _SUFFIX.search(url)
    media_type = media_type or (_TYPES.get(ending[1].lower()) if ending else None)
    if media_type:
        file["mimeType"] = str(media_type)
    return {"fileData": file}


def _from_data_url(url: str, kind: str, call: ChatCall) -> dict[str, Any]:
    found = _DATA_URL.fullmatch(url)
    if found is None:
        return _unsupported(kind, f"a {kind!r} part with a broken data URL", call)
    data = found["data"]
    if ";base64" not in found["more"].lower():
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return _inline(found["type"] or _DEFAULT_TYPES.get(kind, "text/plain"), data, kind, call)


def _inline(media_type: Any, data: Any, kind: str, call: ChatCall) -> dict[str, Any]:
    if not isinstance(data, str) or not data:
        return _unsupported(kind, f"a {kind!r} part without data", call)
    return {"inlineData": {"mimeType": str(media_type), "data": data}}


def _mapping(part: Mapping[str, Any], name: str, call: ChatCall) -> Mapping[str, Any]:
    found = part.get(name)
    if isinstance(found, Mapping):
        return found
    return _unsupported(part["type"], f"a {part['type']!r} part without {name!r}", call)


def _unsupported(kind: str, what: str, call: ChatCall) -> NoReturn:
    raise UnsupportedContentError(
        f"{call.ref} cannot take {what}; use text, image_url, input_audio, or image, document, audio and video"
        " with a base64 source",
        provider=call.ref.provider,
        part=kind,
    )


def without_thoughts(parts: Sequence[Any]) -> list[Any]:
    """Return parts as a model that does not think takes them: without thoughts, and without what seals them."""
    return [
        {name: value for name, value in part.items() if name != "thoughtSignature"}
        for part in parts
        if isinstance(part, Mapping) and part.get("thought") is not True
    ]
