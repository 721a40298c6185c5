"""Images, documents and audio as parts of a message: from a file, from bytes, or from an address.

``Message.user("What does this chart show?", image("chart.png"))``. The media type comes from the bytes, not from the
name. A part is a dict in the form that every adapter understands; what a provider or a model cannot take is an
``UnsupportedContentError`` of the call, so that the next member of the pool is asked.
"""

import base64
import os
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from llmring_types.exceptions import ValidationError

Source: TypeAlias = "str | bytes | bytearray | memoryview | os.PathLike[str]"
"""A path, bytes, an ``http(s)`` address (the provider fetches it, llmring never does), or a ``data:`` URL."""

MAX_BYTES = 100 * 1024 * 1024
"""The largest file by default: more than any provider takes in a request."""

_USUAL = {
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "application/ogg": "audio/ogg",
    "image/x-ms-bmp": "image/bmp",
    "image/heif": "image/heic",
}
_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."


def image(
    source: Source, *, detail: str | None = None, media_type: str | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, Any]:
    """Return an image as a part.

    Args:
        source: PNG, JPEG, GIF and WebP are taken by all providers with vision.
        detail: ``low``, ``high`` or ``auto``, for OpenAI.
        media_type: instead of the one that the bytes show.
        max_bytes: limit on the size of a file or bytes.

    Raises:
        FileNotFoundError: no such file; other ``OSError`` where it cannot be read.
        ValidationError: too large, empty, or no image (also a ``ValueError``).
    """
    url = _address(source)
    if url is None or _is_data(url):
        url = _data_url(*_loaded(source, "image", media_type, max_bytes))
    inner = {"url": url} if detail is None else {"url": url, "detail": detail}
    return {"type": "image_url", "image_url": inner}


def document(
    source: Source, *, name: str | None = None, media_type: str | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, Any]:
    """Return a document as a part: PDF, or text, which goes as text where a provider takes no such file.

    Args:
        source: as for :func:`image`.
        name: shown to the model; the file's own name by default.
        media_type: instead of the one that the bytes show.
        max_bytes: limit on the size of a file or bytes.

    Raises:
        FileNotFoundError: no such file; other ``OSError`` where it cannot be read.
        ValidationError: too large or empty (also a ``ValueError``).
    """
    url = _address(source)
    if url is not None and not _is_data(url):
        inner = {"type": "url", "url": url}
    else:
        data, kind = _loaded(source, "document", media_type, max_bytes)
        inner = {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}
        if name is None and not isinstance(source, (bytes, bytearray, memoryview)) and url is None:
            name = Path(source).name
    part: dict[str, Any] = {"type": "document", "source": inner}
    return part if name is None else {**part, "title": name}


def audio(source: Source, *, media_type: str | None = None, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return a sound as a part: WAV and MP3 for OpenAI, more for Gemini.

    Args:
        source: as for :func:`image`, without addresses.
        media_type: instead of the one that the bytes show.
        max_bytes: limit on the size of a file or bytes.

    Raises:
        FileNotFoundError: no such file; other ``OSError`` where it cannot be read.
        ValidationError: too large, empty, an address, or no sound (also a ``ValueError``).
    """
    url = _address(source)
    if url is not None and not _is_data(url):
        raise ValidationError(
            "no provider fetches audio from an address: give the file or its bytes", field="source"
        )
    data, kind = _loaded(source, "audio", media_type, max_bytes)
    sound = {
        "data": base64.b64encode(data).decode(),
        "format": _AUDIO_FORMATS.get(kind, kind.partition("/")[2]),
    }
    return {"type": "input_audio", "input_audio": sound}


async def read_image(source: Source, **options: Any) -> dict[str, Any]:
    """Do as :func:`image`, and read the file off the event loop."""
    from anyio import to_thread  # noqa: PLC0415 - only for files in async code

    return await to_thread.run_sync(lambda: image(source, **options))


async def read_document(source: Source, **options: Any) -> dict[str, Any]:
    """Do as :func:`document`, and read the file off the event loop."""
    from anyio import to_thread  # noqa: PLC0415 - as above

    return await to_thread.run_sync(lambda: document(source, **options))


async def read_audio(source: Source, **options: Any) -> dict[str, Any]:
    """Do as :func:`audio`, and read the file off the event loop."""
    from anyio import to_thread  # noqa: PLC0415 - as above

    return await to_thread.run_sync(lambda: audio(source, **options))


def media_type_of(data: bytes) -> str | None:
    """Return the media type that the bytes show; ``text/plain`` for UTF-8, ``None`` where nothing is known."""
    return _media_type(data, "document")


def _address(source: Source) -> str | None:
    """Return a source that is an address or a data URL."""
    if not isinstance(source, str):
        return None
    scheme = urlsplit(source).scheme.lower() if ":" in source[:12] else ""
    return source if scheme in {"http", "https", "data", "gs"} else None


def _is_data(url: str) -> bool:
    return url[:5].lower() == "data:"


def _loaded(source: Source, wanted: str, media_type: str | None, max_bytes: int) -> tuple[bytes, str]:
    """Return the bytes and their media type."""
    data, where = _bytes_of(source, max_bytes)
    if not data:
        raise ValidationError(f"{where} is empty", field="source")
    if len(data) > max_bytes:
        raise ValidationError(f"{where} has more than {max_bytes:,} bytes", field="source")
    kind = media_type or _media_type(data, wanted) or _declared(source)
    if kind is None:
        raise ValidationError(f"{where} is of no known type: say which with media_type=", field="source")
    if wanted in {"image", "audio"} and not kind.startswith(f"{wanted}/"):
        raise ValidationError(f"{where} is {kind}, which is no {wanted}", field="source")
    return data, kind


def _bytes_of(source: Source, max_bytes: int) -> tuple[bytes, str]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "the data"
    if isinstance(source, str) and _is_data(source):
        _, _, data = source.partition(",")
        try:
            return base64.b64decode("".join(data.split()), validate=True), "the data URL"
        except ValueError as error:
            raise ValidationError("the data URL holds no base64", field="source") from error
    path = Path(source)
    with path.open("rb") as file:
        return file.read(max_bytes + 1), str(path)


def _media_type(data: bytes, wanted: str) -> str | None:
    """Return the most likely media type, of the wanted kind where there is one."""
    import puremagic  # noqa: PLC0415 - only where there are files

    try:
        found = puremagic.magic_string(data[:65536])
    except (puremagic.PureError, ValueError):
        found = []
    kinds: list[str] = [_USUAL.get(match.mime_type, match.mime_type) for match in found if match.mime_type]
    fitting = [
        kind
        for kind in kinds
        if kind.startswith(f"{wanted}/") or (wanted == "document" and _is_document(kind))
    ]
    if fitting:
        return fitting[0]
    return _text_type(data) or next(iter(kinds), None)


def _declared(source: Source) -> str | None:
    """Return the media type that a data URL names, for bytes that show none."""
    if not isinstance(source, str) or not _is_data(source):
        return None
    return source[5:].partition(",")[0].partition(";")[0].lower() or None


def _is_document(kind: str) -> bool:
    return kind == "application/pdf" or kind.startswith(_OFFICE)


def _text_type(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return "text/plain"


def _data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
