"""The helpers of llmring 1 for files, over :mod:`llmring.content`, which is the way to write new code.

Each of those that make content returns a list of parts, the text first where there is one.
"""

import base64
import mimetypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmring_types.exceptions import ValidationError

from llmring import content

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_SHORTEST_BASE64 = 100
_SHORTEST_WITH_SLASH = 500
"""Shorter texts with a slash may be paths."""
_BY_NAME = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".webp": "image/webp",
}
"""Types that not every machine's table has."""

_Source = str | Path | Mapping[str, str]


def get_file_mime_type(file_path: str | Path) -> str:
    """Return the media type by the name, ``application/octet-stream`` where it says nothing."""
    by_name = mimetypes.guess_type(str(file_path))[0] or _BY_NAME.get(Path(file_path).suffix.lower())
    return by_name or "application/octet-stream"


def encode_file_to_base64(file_path: str | Path) -> str:
    """Return the file's content in base64.

    Raises:
        FileNotFoundError: no such file.
        ValidationError: more than 100 MiB (also a ``ValueError``).
    """
    path = Path(file_path)
    with path.open("rb") as file:
        data = file.read(content.MAX_BYTES + 1)
    if len(data) > content.MAX_BYTES:
        raise ValidationError(f"{path} has more than {content.MAX_BYTES:,} bytes", field="file_path")
    return base64.b64encode(data).decode()


def create_data_url(file_path: str | Path, mime_type: str | None = None) -> str:
    """Return the file as a ``data:`` URL."""
    return f"data:{mime_type or get_file_mime_type(file_path)};base64,{encode_file_to_base64(file_path)}"


def validate_image_file(file_path: str | Path) -> bool:
    """Return whether it is a PNG, JPEG, GIF or WebP file, by its bytes."""
    return _kind_of(file_path) in _IMAGES


def is_image_file(file_path: str | Path) -> bool:
    """Return whether it is an image file, by its bytes."""
    return (_kind_of(file_path) or "").startswith("image/")


def is_pdf_file(file_path: str | Path) -> bool:
    """Return whether it is a PDF file, by its bytes."""
    return _kind_of(file_path) == "application/pdf"


def is_document_file(file_path: str | Path) -> bool:
    """Return whether it is a file, and none of an image."""
    return Path(file_path).is_file() and not is_image_file(file_path)


def validate_file_for_vision_api(file_path: str | Path) -> None:
    """Make sure that models with vision take a file: a PNG, JPEG, GIF or WebP image, or a PDF.

    Raises:
        FileNotFoundError: no such file.
        ValidationError: it is of another type (also a ``ValueError``).
    """
    kind = _kind_of(file_path, missing_ok=False)
    if kind not in {*_IMAGES, "application/pdf"}:
        raise ValidationError(
            f"{file_path} is {kind or 'of no known type'}; models with vision take PNG, JPEG, GIF and WebP images "
            "and PDF files",
            field="file_path",
        )


def create_file_content(
    source: str | Path, text: str = "", mime_type: str | None = None
) -> list[dict[str, Any]]:
    """Return a file as content: images as such, all else as a document."""
    loaded, kind = _loaded(source, mime_type)
    is_image = kind is not None and kind.startswith("image/")
    if kind is None and isinstance(loaded, str):
        is_image = get_file_mime_type(loaded.partition("?")[0]).startswith("image/")
    part = (
        content.image(loaded, media_type=mime_type)
        if is_image
        else content.document(loaded, media_type=mime_type)
    )
    return _with_text(text, part)


def create_image_content(
    source: str | Path, text: str = "", mime_type: str | None = None
) -> list[dict[str, Any]]:
    """Return an image as content; ``mime_type`` counts where the bytes do not show it."""
    loaded, kind = _loaded(source, None)
    return _with_text(text, content.image(loaded, media_type=kind or mime_type))


def create_multi_image_content(images: Sequence[_Source], text: str = "") -> list[dict[str, Any]]:
    """Return several images as content, each a source or ``{"data": base64, "mime_type": …}``."""
    parts = [
        part
        for each in images
        for part in (
            create_base64_image_content(each["data"], each.get("mime_type", "image/jpeg"))
            if isinstance(each, Mapping)
            else create_image_content(each)
        )
    ]
    return _with_text(text, *parts)


def create_base64_image_content(
    base64_data: str, mime_type: str = "image/jpeg", text: str = ""
) -> list[dict[str, Any]]:
    """Return an image that is base64 already."""
    return _with_text(
        text, {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{base64_data}"}}
    )


def analyze_file(
    source: str | Path, prompt: str = "Analyze this file", mime_type: str | None = None
) -> list[dict[str, Any]]:
    """Return a question about a file."""
    return create_file_content(source, prompt, mime_type)


def analyze_image(
    source: str | Path, prompt: str = "Analyze this image", mime_type: str | None = None
) -> list[dict[str, Any]]:
    """Return a question about an image."""
    return create_image_content(source, prompt, mime_type)


def extract_text_from_image(source: str | Path, mime_type: str | None = None) -> list[dict[str, Any]]:
    """Return the request to read the text in an image."""
    prompt = "Extract all text from this image. Preserve formatting and layout."
    return create_image_content(source, prompt, mime_type)


def compare_images(
    image1: _Source, image2: _Source, prompt: str = "Compare these images"
) -> list[dict[str, Any]]:
    """Return a question about two images, each a source or ``{"data": base64, "mime_type": …}``."""
    return create_multi_image_content([image1, image2], prompt)


def _with_text(text: str, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}, *parts] if text else list(parts)


def _loaded(source: str | Path, mime_type: str | None) -> tuple[str | Path | bytes, str | None]:
    """Return an address, a path or bytes, with the media type where the bytes are here."""
    if isinstance(source, str):
        if source[:5].lower() == "data:":
            return source, mime_type or source[5:].partition(";")[0] or None
        if source.lower().startswith(("http://", "https://")):
            return source, mime_type
        if _is_base64(source):
            data = _decoded(source)
            return data, mime_type or content.media_type_of(data)
    path = Path(source)
    return path, mime_type or _kind_of(path, missing_ok=False)


def _is_base64(text: str) -> bool:
    shortest = _SHORTEST_WITH_SLASH if "/" in text else _SHORTEST_BASE64
    bare = "".join(text.split())
    return len(bare) >= shortest and _BASE64.fullmatch(text) is not None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()))
    except ValueError as error:
        raise ValidationError(
            f"the text of {len(text):,} characters is damaged base64: {error}", field="source"
        ) from error


def _kind_of(file_path: str | Path, *, missing_ok: bool = True) -> str | None:
    try:
        with Path(file_path).open("rb") as file:
            return content.media_type_of(file.read(65536))
    except OSError:
        if missing_ok:
            return None
        raise
