"""Corrections of media: types that exist and are those of the bytes, base64 in the form that all vendors read."""

import base64
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._protocol import ChatCall

_FAMILIES = {
    "image_url": "image",
    "image": "image",
    "input_image": "image",
    "document": "document",
    "file": "document",
    "input_file": "document",
    "input_audio": "audio",
    "audio": "audio",
    "audio_url": "audio",
    "video": "video",
    "video_url": "video",
}
"""Parts that are media; all others are texts, or a vendor's own and left to its adapter."""
_TYPES_OF: Mapping[str, tuple[str, ...]] = {
    "image": ("image/",),
    "audio": ("audio/",),
    "video": ("video/",),
    "document": ("application/", "text/"),
}
_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_HEAD = 16
"""Characters of base64 that hold the first 12 bytes."""
_TEXT_TYPES = frozenset({"application/json", "application/xml"})
_UNPADDED = re.compile(r"[A-Za-z0-9+/]+")
_ALPHABET = str.maketrans("-_", "+/")
_AUDIO_FORMS = {"mpeg": "mp3", "wave": "wav"}
_BLANKS = (" ", "\n", "\r", "\t")


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""Of a URL; one letter before a colon is a drive."""


class _Inline(NamedTuple):
    """The bytes of a part, as far as they stand in it."""

    media_type: str | None = None
    data: str | None = None


def family_of(part: Mapping[str, Any]) -> str | None:
    """Return the kind of media of a part; ``None`` for a document that is a text."""
    family = _FAMILIES.get(part["type"])
    source = part.get("source")
    if family == "document" and isinstance(source, Mapping):
        try:
            return None if document_text(source) is not None else family
        except ValueError:  # the adapter reports it
            return family
    return family


def in_chat_form(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part in the form of OpenAI's responses API as that of chat completions; others as they are.

    https://platform.openai.com/docs/api-reference/responses/create#responses_create-input
    """
    kind = part["type"]
    kept = {name: part[name] for name in ("cache_control",) if name in part}
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text") or "", **kept}
    if kind == "input_image" and isinstance(url := part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": url, **detail}, **kept}
    if kind == "input_file" and isinstance(url := part.get("file_url"), str):
        return {"type": "document", "source": {"type": "url", "url": url}, **kept}
    if kind == "input_file":
        file = {name: part[name] for name in ("file_data", "file_id", "filename") if part.get(name)}
        return {"type": "file", "file": file, **kept}
    return part


def check(part: Mapping[str, Any], family: str, taken: tuple[str, ...] | None, call: ChatCall) -> None:
    """Refuse what a model does not read, and what has nothing to be read.

    Args:
        part: of a message.
        family: its kind of media.
        taken: media types that the model takes, some with ``*`` for the rest; ``None`` where unknown.
        call: to be sent.

    Raises:
        UnsupportedContentError: it is none that the model takes.
    """
    media_type, data = _inline(part)
    url = _address(part) if data is None else None
    if url is not None and (not _SCHEME.match(url) or url[:5].lower() == "file:"):
        raise _unsupported(
            part,
            f"names {url!r:.80}, which the provider cannot read. For a file: llmring.content.image(path)",
            call,
        )
    if data == "":
        raise _unsupported(part, "has no data in it", call)
    if (
        taken is None
        or _should_be_text(part, media_type)
        or any(_matches(family, media_type, each) for each in taken)
    ):
        return
    listed = ", ".join(taken) or "text alone"
    raise _unsupported(part, f"is {media_type or family}, and {call.ref} takes {listed}", call)


def _address(part: Mapping[str, Any]) -> str | None:
    """Return the URL of an image, where it has one."""
    inner = part.get("source" if part["type"] == "image" else "image_url")
    return _text(inner.get("url") if isinstance(inner, Mapping) else inner)


def _should_be_text(part: Mapping[str, Any], media_type: str | None) -> bool:
    """Return whether a document should have been a text; the adapter reports what is wrong with it."""
    return isinstance(part.get("source"), Mapping) and (media_type or "").startswith("text/")


def _matches(family: str, media_type: str | None, taken: str) -> bool:
    if media_type is None:
        return taken.startswith(_TYPES_OF[family])
    return media_type == taken or (taken[-1] == "*" and media_type.startswith(taken[:-1]))


def _inline(part: Mapping[str, Any]) -> _Inline:
    source = part.get("source")
    if isinstance(source, Mapping):
        found = source if source.get("type") == "base64" else {}
        return _Inline(_text(found.get("media_type")), _text(found.get("data")))
    inner = part.get(part["type"], part)
    if isinstance(inner, Mapping) and part["type"] == "input_audio":
        kind = _text(inner.get("format"))
        return _Inline(f"audio/{kind}" if kind else None, _text(inner.get("data")))
    if isinstance(inner, Mapping):
        inner = next((inner[name] for name in ("url", "file_data", "image_url") if name in inner), None)
    if not isinstance(inner, str) or inner[:5] != "data:":
        return _Inline()
    head, _, data = inner.partition(",")
    return _Inline(head[5:].partition(";")[0] or None, data)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _unsupported(part: Mapping[str, Any], why: str, call: ChatCall) -> UnsupportedContentError:
    kind = part["type"]
    return UnsupportedContentError(
        f"{call.ref} cannot take this {kind!r} part: it {why}", provider=call.ref.provider, part=kind
    )


def clean(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part whose media type is that of its bytes, and whose base64 is in the form that all vendors read.

    Anthropic refuses an image of another type than its media type: https://github.com/BerriAI/litellm/issues/24900
    """
    part = _of_mcp(part)
    changed = {name: cleaned for name, inner in part.items() if (cleaned := _clean_inner(inner)) is not inner}
    return {**part, **changed} if changed else part


def _of_mcp(part: dict[str, Any]) -> dict[str, Any]:
    """Return an image or a sound in the form of the Model Context Protocol as the neutral form has it.

    https://modelcontextprotocol.io/specification/2025-06-18/server/tools#image-content
    """
    kind, data = part.get("mimeType"), part.get("data")
    if not isinstance(kind, str) or not isinstance(data, str):
        return part
    if part["type"] == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
    if part["type"] == "audio":
        form = kind.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMS.get(form, form)}}
    return part


def _clean_inner(inner: Any) -> Any:
    if isinstance(inner, str):
        return _clean_url(inner)
    if not isinstance(inner, dict):
        return inner
    changed: dict[str, Any] = {}
    for name in ("url", "file_data"):
        if isinstance(inner.get(name), str) and (url := _clean_url(inner[name])) != inner[name]:
            changed[name] = url
    if inner.get("type", "base64") == "base64" and isinstance(inner.get("data"), str):
        if (data := _standard(inner["data"])) != inner["data"]:
            changed["data"] = data
        kind = inner.get("media_type")
        if isinstance(kind, str) and (usual := _media_type(kind, data)) != kind:
            changed["media_type"] = usual
    return {**inner, **changed} if changed else inner


def _clean_url(url: str) -> str:
    if url[:5].lower() != "data:":
        return url
    head, comma, data = url.partition(",")
    kind, mark, more = head[5:].partition(";")
    if not comma:
        return url
    if "base64" not in more.lower():  # OpenAI, Anthropic and Ollama know no other form
        mark, more, data = ";", "base64", base64.b64encode(unquote_to_bytes(data)).decode()
    elif more.lower() != "base64" and kind.strip().lower().startswith("image/"):
        more = "base64"  # an image has no charset
    data = _standard(data)
    clean = f"data:{_media_type(kind, data)}{mark}{more}{comma}{data}"
    return url if clean == url else clean


def _media_type(kind: str, data: str) -> str:
    lower = kind.strip().lower()
    if lower and not lower.startswith("image/"):
        return lower
    return _type_of(data) or {
        "image/jpg": "image/jpeg",
        "image/pjpeg": "image/jpeg",
        "image/x-png": "image/png",
    }.get(lower, lower)


def _type_of(data: str) -> str | None:
    """The type of an image by its first bytes; ``None`` where they do not tell."""
    try:
        head = base64.b64decode(data[:_HEAD])
    except ValueError:
        return None
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    return None if found == "image/webp" and head[8:12] != b"WEBP" else found


def _standard(data: str) -> str:
    """Return base64 in the one form that all vendors read: without blanks, in the first alphabet, with padding."""
    if any(blank in data for blank in _BLANKS):
        data = "".join(data.split())
    if "-" in data or "_" in data:
        data = data.translate(_ALPHABET)
    missing = -len(data) % 4
    return data + "=" * missing if missing in (1, 2) and _UNPADDED.fullmatch(data) else data


def document_text(source: Mapping[str, Any]) -> str | None:
    """Return what a document says whose source is a text, or base64 of a text; ``None`` for every other.

    Raises:
        ValueError: it should be a text, and is not UTF-8 in base64.
    """
    kind, data = source.get("type"), source.get("data")
    if kind == "text" and isinstance(data, str):
        return data
    media_type = str(source.get("media_type")).lower()
    if kind != "base64" or not isinstance(data, str):
        return None
    if not media_type.startswith("text/") and media_type not in _TEXT_TYPES:
        return None
    return base64.b64decode(data, validate=True).decode()
