"""Keys out of sight: whatever a host echoes of a key is blotted out before anybody sees it."""

import re
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from llmring_types.exceptions import LLMRingError, ProviderError

_E = TypeVar("_E", bound=LLMRingError)
_SHORTEST_KEY = 6
"""The shortest key to hide. A shorter one is a stand-in where no key is needed, and may be a word of any message."""
_BLOT = "***"


def without_key(error: _E, key: str) -> _E:
    """Blot the key out of an error: of its text, its code, its ids, its details and what it stands for."""
    if len(key) < _SHORTEST_KEY:
        return error
    error.__traceback__ = None  # frames that have read the answer hold it as it came
    error.message = blotted(error.message, key)
    error.args = (error.message,)
    error.details = _deep(error.details, key)
    if error.original is not None:
        error.original.__traceback__ = None
        if _forms(key).search(str(error.original)):
            error.original = None
    if isinstance(error, ProviderError):
        error.code = error.code and blotted(error.code, key)
        error.request_id = error.request_id and blotted(error.request_id, key)
    return error


def blotted(text: str, key: str) -> str:
    """Return the text without the key: as it is, percent-encoded, JSON in text, or within anything in base64."""
    return text if len(key) < _SHORTEST_KEY else _forms(key).sub(_BLOT, text)


def _deep(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return blotted(value, key)
    if isinstance(value, dict):
        return {_deep(name, key): _deep(inner, key) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_deep(inner, key) for inner in value]
    return value


@lru_cache(16)
def _forms(key: str) -> re.Pattern[str]:
    in_json = key.replace("\\", r"\\").replace('"', r"\"")
    plain = {
        key,
        quote(key, safe=""),
        in_json,
        in_json.replace("/", r"\/"),
    }  # not every encoder escapes slashes
    coded = {form for skipped in range(3) for form in _base64_forms(key.encode(), skipped)}
    whole = (rf"[\w+/=-]*{re.escape(form)}[\w+/=-]*" for form in sorted(coded, key=len, reverse=True))
    return re.compile("|".join((*map(re.escape, sorted(plain, key=len, reverse=True)), *whole)))


def _base64_forms(key: bytes, skipped: int) -> tuple[str, str]:
    """Return the letters that base64 has for the key, whatever comes before and after it.

    Args:
        key: the key.
        skipped: bytes before it, modulo three; letters that they or what follows share with the key are left out.
    """
    import base64  # noqa: PLC0415 - only where a key has to be looked for

    start = (skipped * 8 + 5) // 6
    end = (skipped + len(key)) * 8 // 6
    return (
        base64.b64encode(bytes(skipped) + key)[start:end].decode(),
        base64.urlsafe_b64encode(bytes(skipped) + key)[start:end].decode(),
    )
