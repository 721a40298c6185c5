"""One schema after another in the words of a dialect, inner ones first."""

import re
from collections.abc import Mapping
from typing import Any

from llmring_providers.schema._dialects import Dialect
from llmring_providers.schema._normal import TYPES, types_of
from llmring_providers.schema._walk import Node, describe, inner_places, nodes

_IRREGULAR = re.compile(r"\(\?(?!:)|\\[bBAZzGpPkK1-9]|[*+?}][+?]")
"""Look-around, flags, named groups, boundaries, properties, back references, lazy and possessive quantifiers."""
_VAST = re.compile(r"\{\s*\d*\s*,?\s*\d{4,}\s*\}")
_DESCRIBED = frozenset(
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
        "format", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems",
        "unevaluatedItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "oneOf", "anyOf",
        "unevaluatedProperties", "dependentRequired", "dependentSchemas", "allOf", "not", "if", "then", "else",
        "const", "enum", "default", "examples", "example", "additionalProperties", "items",
    }
)  # fmt: skip
"""Keywords that hold an answer to something, or help to give one; others are left out without a word."""
_SAYS_NOTHING = (("additionalProperties", True), ("additionalProperties", False), ("default", None))
_KINDS: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", list: "array", dict: "object",
}  # fmt: skip


class Writer:
    """Writes schemas in a dialect.

    Attributes:
        objections: what it cannot say.
        unsendable: what the vendor refuses in any mode.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.objections: list[str] = []
        self.unsendable: list[str] = []
        self._dialect = dialect

    def change(self, node: Node) -> Node:
        """Return a schema whose inner ones are written already as the dialect has it."""
        dialect = self._dialect
        if dialect.names is not None:
            self._names(node, dialect.names)
        if dialect.keywords is None:
            if dialect.items and "array" in types_of(node):
                node.setdefault("items", {})
            return node
        described: dict[str, Any] = {}
        for mend in (self._unions, self._tuple, self._enum, self._limits, self._array):
            mend(node, described)
        self._object(node)
        for name in [name for name in node if name not in dialect.keywords]:
            value = node.pop(name)
            if name in _DESCRIBED and (name, value) not in _SAYS_NOTHING:
                described[name] = value
        self._type(node)
        describe(node, described)
        self._reference(node)
        return node

    def known_only(self, node: Node) -> Node:
        """Return a schema without the keywords that the dialect has no field for."""
        known = self._dialect.keywords or frozenset()
        described: dict[str, Any] = {}
        for name in [name for name in node if _camel(name) not in known]:
            value = node.pop(name)
            if name == "const":
                node["enum"] = [value]
            elif name == "oneOf":
                node.setdefault("anyOf", value)
            elif name in _DESCRIBED and value is not False:
                described[name] = value
        describe(node, described)
        return node

    def measure(self, root: Node) -> None:
        """Object to a schema that is larger than the dialect allows."""
        dialect = self._dialect
        if dialect.depth is None and dialect.optional is None:
            return
        every = list(nodes(root))
        counts = (
            ("properties", dialect.properties, sum(len(node.get("properties", ())) for node in every)),
            ("enum values", dialect.values, sum(len(node.get("enum", ())) for node in every)),
            ("levels of objects", dialect.depth, _depth(root)),
            ("optional properties", dialect.optional, optional_properties(root)),
            ("unions", dialect.unions, unions(root)),
        )
        for what, most, count in counts:
            if most is not None and count > most:
                self.objections.append(f"{count} {what} are more than {most}")

    def _names(self, node: Node, pattern: str) -> None:
        self.unsendable.extend(
            f"a property is named {name!r}"
            for name in node.get("properties", ())
            if re.fullmatch(pattern, name) is None
        )

    def _unions(self, node: Node, described: dict[str, Any]) -> None:
        if "oneOf" not in node or "oneOf" in (self._dialect.keywords or ()):
            return
        if "anyOf" in node:
            described["oneOf"] = node.pop("oneOf")
        else:
            _rename(node, "oneOf", "anyOf")

    def _tuple(self, node: Node, described: dict[str, Any]) -> None:
        """Without tuples, an array of what may stand in any place."""
        if "prefixItems" not in node or "prefixItems" in (self._dialect.keywords or ()):
            return
        places = node.pop("prefixItems")
        beyond = node.get("items")
        options = [each for at, each in enumerate(places) if each not in places[:at]]
        if isinstance(beyond, dict) and beyond not in options:
            options.append(beyond)
        node["items"] = options[0] if len(options) == 1 else {"anyOf": options}
        if beyond is False:
            node.setdefault("maxItems", len(places))
        if len(options) > 1:
            described["prefixItems"] = places

    def _enum(self, node: Node, described: dict[str, Any]) -> None:
        keywords = self._dialect.keywords or frozenset()
        if "const" in node and (
            "const" not in keywords or _kind(node["const"]) not in self._dialect.enum_kinds
        ):
            _rename(node, "const", "enum")
            node["enum"] = [node["enum"]]
        if "enum" not in node:
            return
        named = types_of(node)
        values = [value for value in node["enum"] if not named or _is_of(value, named)] or node["enum"]
        taken = [value for value in values if _kind(value) in self._dialect.enum_kinds]
        kinds = list(dict.fromkeys(_kind(value) for value in values))
        if len(taken) == len(values):
            node["enum"] = values
            if not named and self._dialect.typed:
                node["type"] = kinds[0] if len(kinds) == 1 else kinds
            return
        other = [kind for kind in kinds if kind not in self._dialect.enum_kinds]
        if any(kind != "null" for kind in other):
            described["enum"] = values
        if self._dialect.closed:
            self.objections.append("an enum holds objects or arrays")
        options: list[Node] = []
        if taken:
            kept = [kind for kind in kinds if kind in self._dialect.enum_kinds]
            options.append({"type": kept[0] if len(kept) == 1 else kept, "enum": taken})
        options += [{"type": kind} for kind in other]
        del node["enum"]
        node.pop("type", None)
        if len(options) == 1:
            node.update(options[0])
        else:
            node["anyOf"] = options

    def _limits(self, node: Node, described: dict[str, Any]) -> None:
        dialect = self._dialect
        if "format" in node and dialect.formats is not None and node["format"] not in dialect.formats:
            described["format"] = node.pop("format")
        if "pattern" in node and not takes_pattern(node["pattern"], dialect):
            described["pattern"] = node.pop("pattern")
        if dialect.min_items is not None and node.get("minItems", 0) > dialect.min_items:
            described["minItems"] = node.pop("minItems")

    def _array(self, node: Node, described: dict[str, Any]) -> None:
        beyond = node.get("items")
        if isinstance(beyond, bool):
            del node["items"]
            if not beyond and "prefixItems" not in node:
                described["maxItems"] = 0
        if "array" not in types_of(node) or "items" in node or "prefixItems" in node:
            return
        if self._dialect.closed:
            self.objections.append("an array takes any items")
        elif self._dialect.items:
            node["items"] = {}

    def _object(self, node: Node) -> None:
        dialect = self._dialect
        properties = node.get("properties")
        if properties is not None and not types_of(node) and dialect.typed:
            node["type"] = "object"
        if "object" not in types_of(node) and properties is None:
            return
        required = node.get("required", [])
        unknown = [name for name in required if name not in (properties or ())]
        if unknown and dialect.closed:
            self.objections.append(f"{unknown[0]!r} is required and not described")
        elif unknown and dialect.beside_ref is not None:
            node["properties"] = {**(properties or {}), **{name: {} for name in unknown}}
        if not dialect.closed:
            return
        beyond = node.get("additionalProperties")
        if beyond is True and properties is not None and dialect.closes:
            beyond = False
        if beyond or "patternProperties" in node or (beyond is None and properties is None):
            self.objections.append("an object takes any property")
        node["additionalProperties"] = False
        if dialect.complete:
            self.objections += [
                f"{name!r} is not required" for name in properties or () if name not in required
            ]
            if properties is not None:
                node.setdefault("required", [])

    def _type(self, node: Node) -> None:
        if not self._dialect.typed or not node.keys().isdisjoint(
            {"type", "anyOf", "oneOf", "enum", "const", "$ref"}
        ):
            return
        if self._dialect.closed:
            self.objections.append("a schema says nothing of its type")
        else:
            node["type"] = list(TYPES)

    def _reference(self, node: Node) -> None:
        """Let nothing stand beside a reference where nothing may."""
        if "$ref" not in node or self._dialect.beside_ref is None:
            return
        if node.keys() - {"$ref", "$defs"} - self._dialect.beside_ref:
            node["anyOf"] = [{"$ref": node.pop("$ref")}]


def takes_pattern(pattern: str, dialect: Dialect) -> bool:
    """Return whether a dialect reads a regular expression."""
    if dialect.patterns == "any":
        return True
    bare = pattern.replace("\\\\", "")
    if _IRREGULAR.search(bare) or _VAST.search(bare):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return dialect.patterns != "anchored" or (bare.startswith("^") and bare.endswith("$"))


def optional_properties(root: Node) -> int:
    """Count the optional properties of a schema."""
    return sum(len(node.get("properties", {}).keys() - set(node.get("required", ()))) for node in nodes(root))


def unions(root: Node) -> int:
    """Count the unions in a schema."""
    return sum(len(node.get("anyOf", ())) > 1 or isinstance(node.get("type"), list) for node in nodes(root))


def _depth(root: Node) -> int:
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth if "properties" in node else 0)
        waiting += [
            (place.value, depth + (place.container is node.get("properties"))) for place in inner_places(node)
        ]
    return deepest


def _kind(value: Any) -> str:
    return _KINDS[type(value)]


def _is_of(value: Any, named: list[str]) -> bool:
    kind = _kind(value)
    whole = kind == "number" and value == int(value)
    return kind in named or (kind == "integer" and "number" in named) or (whole and "integer" in named)


def _rename(node: Node, old: str, new: str) -> None:
    """Rename a keyword in its place."""
    items = [(new if name == old else name, value) for name, value in node.items()]
    node.clear()
    node.update(items)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))
