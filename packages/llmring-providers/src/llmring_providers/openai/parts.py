"""The parts of a message in OpenAI's own form, before each API gives them its names."""

from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.media import document_text
from llmring_providers._protocol import ChatCall

_OPENAI_FORM = frozenset({"text", "image_url", "input_audio", "file", "refusal"})
_PDF = "application/pdf"


def openai_part(part: Mapping[str, Any], call: ChatCall) -> Mapping[str, Any]:
    """Return a part as text, image_url, input_audio, file or refusal.

    A document at a URL becomes a file with a ``file_url``, which only the responses API takes.

    Raises:
        UnsupportedContentError: OpenAI has no place for it.
    """
    kind = part["type"]
    inner = part.get(kind)
    if kind in ("image_url", "file") and not isinstance(inner, Mapping):
        if kind == "image_url" and isinstance(inner, str):
            return {"type": kind, kind: {"url": inner}}
        raise unsupported(f"{kind} that holds no {kind}", call)
    if kind == "file" and isinstance(inner, Mapping) and "file_data" in inner and not inner.get("filename"):
        return {**part, "file": {**inner, "filename": _name(inner["file_data"])}}  # OpenAI wants one
    if kind in _OPENAI_FORM:
        return part
    source = part.get("source")
    if kind in ("image", "document") and isinstance(source, Mapping):
        found = _image(source) if kind == "image" else _document(part, source, call)
        if found is not None:
            return found
        kind = f"{kind} with a {source.get('type')!r} source"
    raise unsupported(kind, call)


def unsupported(kind: str, call: ChatCall, api: str = "openai") -> UnsupportedContentError:
    """Build the error for a part that has no place on the wire."""
    where = call.ref.provider if api == "openai" else f"{call.ref.provider} {api}"
    return UnsupportedContentError(
        f"{where} cannot take a part of type {kind}; use text, image_url, or a document with base64 data",
        provider=call.ref.provider,
        part=kind,
    )


def _image(source: Mapping[str, Any]) -> Mapping[str, Any] | None:
    url = source.get("url") if source.get("type") == "url" else _data_url(source, "image/png")
    return {"type": "image_url", "image_url": {"url": url}} if isinstance(url, str) else None


def _document(part: Mapping[str, Any], source: Mapping[str, Any], call: ChatCall) -> Mapping[str, Any] | None:
    """Texts go as texts and images as images: files are for PDF."""
    kind, media_type = source.get("type"), str(source.get("media_type") or _PDF)
    try:
        text = document_text(source)
    except ValueError as error:
        raise unsupported(f"document of {media_type} that is not UTF-8 text in base64", call) from error
    if text is not None:
        return {"type": "text", "text": text}
    if kind == "file" and isinstance(source.get("file_id"), str):
        return {"type": "file", "file": {"file_id": source["file_id"]}}
    if kind == "url" and isinstance(source.get("url"), str):
        return {"type": "file", "file": {"file_url": source["url"]}}
    if media_type.startswith("image/"):
        return _image(source)
    if media_type.startswith(("audio/", "video/")):
        raise unsupported(f"document of {media_type}", call)
    data = _data_url(source, _PDF)
    if data is None:
        return None
    name = part.get("filename") or part.get("title") or ("document.pdf" if media_type == _PDF else "document")
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def _name(data: Any) -> str:
    return "document.pdf" if str(data).startswith(f"data:{_PDF}") else "document"


def _data_url(source: Mapping[str, Any], usual: str) -> str | None:
    data = source.get("data")
    if source.get("type") != "base64" or not isinstance(data, str):
        return None
    return f"data:{source.get('media_type') or usual};base64,{data}"
