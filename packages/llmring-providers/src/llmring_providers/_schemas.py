"""JSON schemas, rewritten piece by piece."""

from collections.abc import Callable, Mapping
from typing import Any

_OF_NAMES = frozenset({"properties", "$defs", "definitions"})
_OF_LISTS = frozenset({"anyOf", "oneOf", "allOf"})

Change = Callable[[dict[str, Any]], dict[str, Any]]


def rewritten(schema: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Return a copy with every schema in it, the inner ones first, as ``change`` returns it."""
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _OF_NAMES and isinstance(value, Mapping):
            out[key] = {name: _inner(each, change) for name, each in value.items()}
        elif key in _OF_LISTS and isinstance(value, list):
            out[key] = [_inner(each, change) for each in value]
        else:
            out[key] = _inner(value, change) if key == "items" else value
    return change(out)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that takes no properties but those it names, unless it says so: a :data:`Change`.

    One that names none is left open: closed, it would only take an empty object.
    """
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says that it is of an object."""
    return bool(schema.get("type", "object" if "properties" in schema else None) == "object")


def _inner(value: Any, change: Change) -> Any:
    return rewritten(value, change) if isinstance(value, Mapping) else value
