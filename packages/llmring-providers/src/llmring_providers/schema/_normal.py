"""One spelling for what people write as JSON Schema: that of draft 2020-12, well formed.

Older drafts, OpenAPI 3.0 and hand-written schemas say the same in other words, and vendors that check a schema against
the meta-schema refuse those: https://json-schema.org/draft/2020-12/release-notes
"""

from collections.abc import Callable, Mapping
from typing import Any

from llmring_providers._json import is_endless
from llmring_providers.schema._walk import Node, from_outside

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_TYPE_NAMES: Mapping[str, str] = {
    **{name: name for name in TYPES},
    "str": "string", "text": "string", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "decimal": "number", "bool": "boolean", "dict": "object", "map": "object", "struct": "object", "list": "array",
    "tuple": "array", "set": "array", "none": "null", "nonetype": "null",
}  # fmt: skip
_META = frozenset({"$schema", "$comment", "$vocabulary"})
_VALUES = frozenset({"default", "const", "example"})
"""Keywords that may be null."""
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_EXCLUSIVE = frozenset({"exclusiveMinimum", "exclusiveMaximum"})
_COUNTS = frozenset(
    {
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minContains",
        "maxContains",
    }
)
_TEXTS = frozenset({"$ref", "$id", "$anchor", "title", "description", "format", "pattern"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NULL = {"type": "null"}


def normal(root: Node) -> Node:
    """Bring a tree of plain JSON into the one spelling, in place."""
    return from_outside(root, _normal)


def finite(value: Any) -> Any:
    """Return a copy without the numbers that JSON has no word for, and without what holds one as its value."""
    holder: dict[str, Any] = {}
    waiting: list[tuple[Any, Any, Any]] = [(holder, "root", value)]
    while waiting:
        container, key, each = waiting.pop()
        if isinstance(each, Mapping):
            copy: Any = {name: None for name, inner in each.items() if not is_endless(inner)}
            waiting += [(copy, name, each[name]) for name in copy]
        elif isinstance(each, (list, tuple)):
            kept = [inner for inner in each if not is_endless(inner)]
            copy = [None] * len(kept)
            waiting += [(copy, place, inner) for place, inner in enumerate(kept)]
        else:
            copy = each
        container[key] = copy
    return holder["root"]


def types_of(node: Mapping[str, Any]) -> list[str]:
    """The types that a schema names."""
    named = node.get("type")
    return [named] if isinstance(named, str) else list(named or ())


def _normal(node: Any) -> Node:
    if not isinstance(node, dict):
        return _in_short(node)
    for name in [name for name, value in node.items() if not _is_well_formed(name, value)]:
        del node[name]
    for name, mend in _MENDS.items():
        if name in node:
            mend(node)
    return node


def _in_short(value: Any) -> Node:
    if value is False:
        return {"not": {}}
    named = _TYPE_NAMES.get(value.lower()) if isinstance(value, str) else None
    return {} if named is None else {"type": named}


def _is_well_formed(name: str, value: Any) -> bool:  # noqa: PLR0911 - a table in words
    if name in _META or (value is None and name not in _VALUES):
        return False
    if name in _NUMBERS:
        return isinstance(value, (int, float)) and (not isinstance(value, bool) or name in _EXCLUSIVE)
    if name in _COUNTS:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) >= 0
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _NAMED:
        return isinstance(value, dict)
    if name in _LISTS:
        return isinstance(value, list) and bool(value)
    if name == "enum":
        return isinstance(value, list) and bool(value)
    if name in ("additionalProperties", "unevaluatedProperties"):
        return isinstance(value, (bool, dict))
    return True


def _types(node: Node) -> None:
    """Names of types as Python, Java and OpenAPI write them; unknown ones say nothing."""
    given = node["type"] if isinstance(node["type"], list) else [node["type"]]
    named = [_TYPE_NAMES.get(each.lower()) for each in given if isinstance(each, str)]
    known = list(dict.fromkeys(name for name in named if name is not None))
    if None in named or not known:  # such as "any"
        del node["type"]
    elif known != given or len(known) == 1:
        node["type"] = known if len(known) > 1 else known[0]


def _nullable(node: Node) -> None:
    """OpenAPI's ``nullable`` in JSON Schema's words."""
    if node.pop("nullable") is not True:
        return
    for union in ("anyOf", "oneOf"):
        if union in node and "type" not in node:
            if _NULL not in node[union]:
                node[union] = [*node[union], dict(_NULL)]
            return
    named = types_of(node)
    if named and "enum" not in node and "const" not in node:
        if "null" not in named:
            node["type"] = [*named, "null"]
    elif node.keys() - {"title", "description", "default"}:
        inner = {
            name: node.pop(name)
            for name in list(node)
            if name not in ("title", "description", "default", "$defs")
        }
        node["anyOf"] = [inner, dict(_NULL)]


def _required(node: Node) -> None:
    """Draft 3 has ``required`` within the property; there is no such thing as a required schema."""
    if isinstance(node["required"], list):
        node["required"] = list(dict.fromkeys(name for name in node["required"] if isinstance(name, str)))
    else:
        del node["required"]


def _properties(node: Node) -> None:
    named = [
        name
        for name, each in node["properties"].items()
        if isinstance(each, dict) and each.get("required") is True
    ]
    if named:
        already = node.get("required")
        node["required"] = [*(already if isinstance(already, list) else ()), *named]


def _exclusive(limit: str, exclusive: str) -> Callable[[Node], None]:
    """Draft 4 has a flag beside the limit."""

    def mend(node: Node) -> None:
        if isinstance(node[exclusive], bool) and node.pop(exclusive) and limit in node:
            node[exclusive] = node.pop(limit)

    return mend


def _items(node: Node) -> None:
    """Tuples, until draft 2019-09."""
    if isinstance(node["items"], list):
        places = node.pop("items")
        if places:
            node["prefixItems"] = places
        if "additionalItems" in node:
            node["items"] = node.pop("additionalItems")
    elif not isinstance(node["items"], (dict, bool)):
        del node["items"]


def _enum(node: Node) -> None:
    """Every value once: older drafts demand it, and strict modes."""
    seen: set[str] = set()
    kept = []
    for value in node["enum"]:
        if (written := repr(value)) not in seen:
            seen.add(written)
            kept.append(value)
    node["enum"] = kept


def _dependencies(node: Node) -> None:
    for name, needs in dict(node.pop("dependencies") or {}).items():
        node.setdefault("dependentRequired" if isinstance(needs, list) else "dependentSchemas", {})[name] = (
            needs
        )


def _one_of_none(node: Node) -> None:
    node.pop("additionalItems", None)  # says something beside a tuple alone


_MENDS: Mapping[str, Callable[[Node], None]] = {
    "properties": _properties,
    "type": _types,
    "nullable": _nullable,
    "required": _required,
    "exclusiveMinimum": _exclusive("minimum", "exclusiveMinimum"),
    "exclusiveMaximum": _exclusive("maximum", "exclusiveMaximum"),
    "items": _items,
    "additionalItems": _one_of_none,
    "enum": _enum,
    "dependencies": _dependencies,
}
