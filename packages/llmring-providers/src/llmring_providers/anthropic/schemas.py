"""JSON schemas as constrained decoding takes them.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from collections.abc import Mapping
from typing import Any

from llmring_providers._schemas import rewritten

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


def tightened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that Anthropic takes and whose every answer is one that the schema allows or only limits refuse.

    Objects are closed, for open ones are refused; limits on numbers, lengths and formats move into the description,
    where the model at least reads them. Whoever validates the answer does so by the schema itself.
    """
    return rewritten(schema, _tight)


def _tight(schema: dict[str, Any]) -> dict[str, Any]:
    tight: dict[str, Any] = {}
    limits: list[str] = []
    for key, value in schema.items():
        if _is_limit(key, value):
            limits.append(f"{key}: {value}")
        else:
            tight["anyOf" if key == "oneOf" and isinstance(value, list) else key] = value
    if schema.get("type") == "object" or "properties" in schema:
        tight.setdefault("additionalProperties", False)
    if limits:
        told = f"{{{', '.join(limits)}}}"
        tight["description"] = f"{tight['description']} {told}" if tight.get("description") else told
    return tight


def _is_limit(key: str, value: Any) -> bool:
    if key == "minItems":
        return value not in (0, 1)
    if key == "format":
        return str(value) not in _FORMATS
    return key in _LIMITS and not isinstance(value, Mapping)
