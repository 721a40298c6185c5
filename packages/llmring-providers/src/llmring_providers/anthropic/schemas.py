"""JSON schemas as constrained decoding takes them.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from collections.abc import Mapping
from typing import Any

_LIMITS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    }
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_OF_NAMES = frozenset({"properties", "$defs", "definitions"})
_OF_LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}


def tightened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that Anthropic takes and whose every answer is one that the schema allows or only limits refuse.

    Objects are closed, for open ones are refused; limits on numbers, lengths and formats move into the description,
    where the model at least reads them. Whoever validates the answer does so by the schema itself.
    """
    tight: dict[str, Any] = {}
    limits: list[str] = []
    for key, value in schema.items():
        if _is_limit(key, value):
            limits.append(f"{key}: {value}")
        elif key in _OF_NAMES and isinstance(value, Mapping):
            tight[key] = {name: _tightened(inner) for name, inner in value.items()}
        elif key in _OF_LISTS and isinstance(value, list):
            tight[_OF_LISTS[key]] = [_tightened(inner) for inner in value]
        else:
            tight[key] = _tightened(value) if key == "items" else value
    if schema.get("type") == "object" or "properties" in schema:
        tight.setdefault("additionalProperties", False)
    if limits:
        told = f"{{{', '.join(limits)}}}"
        tight["description"] = f"{tight['description']} {told}" if tight.get("description") else told
    return tight


def _tightened(inner: Any) -> Any:
    return tightened(inner) if isinstance(inner, Mapping) else inner


def _is_limit(key: str, value: Any) -> bool:
    if key == "minItems":
        return value not in (0, 1)
    if key == "format":
        return value not in _FORMATS
    return key in _LIMITS and not isinstance(value, Mapping)
