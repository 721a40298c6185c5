"""The root of a schema: vendors want an object there that names its properties."""

from collections.abc import Mapping
from typing import Any

from llmring_providers.schema._merge import ANNOTATIONS, flattened
from llmring_providers.schema._normal import types_of
from llmring_providers.schema._references import copied, definition
from llmring_providers.schema._walk import Node, add, describe

WRAPPER = "value"
"""The only property of the object under which a schema of anything else is put."""
_UNIONS = ("anyOf", "oneOf")
_BARRED = ("allOf", "enum", "const", "not")
_OF_ANY_KIND = frozenset({"type", "anyOf", "oneOf", "allOf", "enum", "const"})


def is_object(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema says that it is of an object, and of nothing else."""
    kind = schema.get("type")
    if kind is None:
        return "properties" in schema and not schema.keys() & {"enum", "const"}
    return kind in ("object", ["object"])


def unreferred(root: Node) -> Node:
    """Put what is meant in the place of a reference at the root, and join ``allOf`` there."""
    seen: set[str] = set()
    while isinstance(reference := root.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        meant = definition(root, reference) or {}
        beside = {name: value for name, value in root.items() if name != "$ref"}
        root = {**copied({name: value for name, value in meant.items() if name not in beside}), **beside}
    if "$ref" in root:
        del root["$ref"]
    return flattened(root) if "allOf" in root else root


def needs_wrapping(root: Mapping[str, Any]) -> bool:
    """Return whether a schema cannot be the root of an answer's: it is of something else than one object."""
    if is_object(root):
        return any(union in root for union in _UNIONS)
    return bool(root.keys() & _OF_ANY_KIND)


def wrapped(root: Node) -> Node:
    """An object with the schema as its only property."""
    inner = {name: value for name, value in root.items() if name != "$defs"}
    outer: Node = {
        "type": "object",
        "properties": {WRAPPER: inner},
        "required": [WRAPPER],
        "additionalProperties": False,
    }
    return {**outer, "$defs": root["$defs"]} if "$defs" in root else outer


def as_object(root: Node, *, answer: bool) -> Node:
    """Make the root, in place, an object that names its properties, with no union and no list of values.

    Of alternatives, what any takes is taken; which properties belong together is stated in words. A schema of something
    else, which no function can have, is stated in words alone.
    """
    alternatives = [each for union in _UNIONS for each in root.pop(union, ())]
    described = {name: root.pop(name) for name in _BARRED if name in root}
    if root.get("type") is not None and "object" not in types_of(root):
        described |= {
            name: root.pop(name) for name in list(root) if name not in ANNOTATIONS and name != "$defs"
        }
    root["type"] = "object"
    if not answer:
        root.setdefault("properties", {})
    describe(root, described)
    objects = [definition(root, each.get("$ref")) or each for each in alternatives]
    if objects:
        _take_any(root, objects)
    return root


def _take_any(root: Node, objects: list[Node]) -> None:
    properties = root.setdefault("properties", {})
    for each in objects:
        for name, schema in each.get("properties", {}).items():
            known = properties.setdefault(name, copied(schema))
            if known != schema:
                options = known["anyOf"] if known.keys() == {"anyOf"} else [known]
                if schema not in options:
                    properties[name] = {"anyOf": [*options, copied(schema)]}
    sets = [each.get("required", []) for each in objects]
    common = [name for name in sets[0] if all(name in other for other in sets)]
    if required := list(dict.fromkeys([*root.get("required", []), *common])):
        root["required"] = required
    if "additionalProperties" not in root and all(
        each.get("additionalProperties") is False for each in objects
    ):
        root["additionalProperties"] = False
    add(
        root,
        "Give the properties of one of: "
        + "; ".join(", ".join(names) or "none needed" for names in sets)
        + ".",
    )
