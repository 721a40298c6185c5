"""Schemas in the form that the providers' strict modes take.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
An answer is checked against the type itself afterwards, so a limit that is left out here still holds.
"""

from collections.abc import Mapping
from typing import Any

_KEPT = frozenset(
    {
        "type", "description", "title", "enum", "const", "pattern",
        "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
    }
)  # fmt: skip
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_NAMES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def close(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the schema with every object closed and all its properties required, and whether all could be closed.

    A map with free keys, an untyped list or ``Any`` cannot: strict modes refuse them.
    """
    closing = _Closing()
    definitions = {name: closing.close(each) for name, each in schema.get("$defs", {}).items()}
    if "$ref" in schema:  # strict modes want to see an object at the root
        root = dict(definitions[_target(schema)])
        root.update((name, schema[name]) for name in ("title", "description") if name in schema)
    else:
        root = closing.close(schema)
    used = _reachable(root, definitions)
    if used:
        root = {**root, "$defs": {name: each for name, each in definitions.items() if name in used}}
    return root, closing.closed


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema is of an object, here or where its root points to."""
    schema = schema.get("$defs", {}).get(_target(schema), schema)
    return schema.get("type") == "object" or ("properties" in schema and "type" not in schema)


class _Closing:
    def __init__(self) -> None:
        self.closed = True

    def close(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        closed = {name: value for name, value in schema.items() if name in _KEPT}
        if schema.get("format") in _FORMATS:
            closed["format"] = schema["format"]
        if "enum" in closed and "type" not in closed:
            names = list(dict.fromkeys(_NAMES[type(value)] for value in closed["enum"]))
            closed["type"] = names[0] if len(names) == 1 else names
        if union := schema.get("anyOf") or schema.get("oneOf"):
            closed["anyOf"] = [self.close(each) for each in union]
        elif "$ref" in schema:
            if not closed:
                return {"$ref": schema["$ref"]}
            closed["anyOf"] = [{"$ref": schema["$ref"]}]  # nothing may stand beside a reference
        elif schema.get("type") == "object":
            self._object(closed, schema)
        elif schema.get("type") == "array":
            self._array(closed, schema)
        elif "type" not in closed and "const" not in closed:
            self.closed = False
        return closed

    def _object(self, closed: dict[str, Any], schema: Mapping[str, Any]) -> None:
        properties = schema.get("properties")
        if properties is None:
            self.closed = False
            values = schema.get("additionalProperties", True)
            closed["additionalProperties"] = self.close(values) if isinstance(values, Mapping) else values
            return
        closed["properties"] = {name: self.close(each) for name, each in properties.items()}
        closed["required"] = list(properties)
        closed["additionalProperties"] = False

    def _array(self, closed: dict[str, Any], schema: Mapping[str, Any]) -> None:
        items, places = schema.get("items"), schema.get("prefixItems")
        if places:  # a tuple: strict modes know one form for all items
            closed["items"] = {"anyOf": [self.close(each) for each in places]}
        elif isinstance(items, Mapping):
            closed["items"] = self.close(items)
        else:
            self.closed = False


def _target(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _reachable(schema: Any, definitions: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
            name = _target(each)
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
    return found
