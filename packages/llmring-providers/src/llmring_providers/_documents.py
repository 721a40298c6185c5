"""Documents that are texts: where a provider takes no such file, it takes what is in it."""

import base64
from collections.abc import Mapping
from typing import Any

_TEXTS = frozenset({"application/json", "application/xml"})


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
    if not media_type.startswith("text/") and media_type not in _TEXTS:
        return None
    return base64.b64decode(data, validate=True).decode()
