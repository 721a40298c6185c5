"""Media as people write them, put right: media types that exist, base64 without blanks."""

from typing import Any

_BLANKS = (" ", "\n", "\r", "\t")


def clean(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part whose media type is one that exists, and whose base64 has no blanks in it."""
    changed = {name: cleaned for name, inner in part.items() if (cleaned := _clean_inner(inner)) is not inner}
    return {**part, **changed} if changed else part


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
        if (data := _without_blanks(inner["data"])) != inner["data"]:
            changed["data"] = data
        kind = inner.get("media_type")
        if isinstance(kind, str) and (usual := _media_type(kind)) != kind:
            changed["media_type"] = usual
    return {**inner, **changed} if changed else inner


def _clean_url(url: str) -> str:
    if url[:5].lower() != "data:":
        return url
    head, comma, data = url.partition(",")
    kind, mark, more = head[5:].partition(";")
    if not comma or "base64" not in more.lower():
        return url
    clean = f"data:{_media_type(kind)}{mark}{more}{comma}{_without_blanks(data)}"
    return url if clean == url else clean


def _media_type(kind: str) -> str:
    lower = kind.strip().lower()
    return {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}.get(
        lower, lower
    )


def _without_blanks(data: str) -> str:
    return "".join(data.split()) if any(blank in data for blank in _BLANKS) else data
