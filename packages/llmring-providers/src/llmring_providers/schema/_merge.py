"""Intersections written as one schema: ``allOf``, and what stands beside a ``$ref``.

Most vendors have no ``allOf``, and none lets constraints stand beside a reference. What two schemas say of the same
thing is joined; what cannot be joined stays under ``allOf``, for the dialect to put into words.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from llmring_providers.schema._normal import types_of
from llmring_providers.schema._references import DEFS, copied, definition
from llmring_providers.schema._walk import Node, Place, inner_places

ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"}
)
_MOST_COPIES = 200
"""Definitions copied into one schema; beyond that words describe the rest."""


def flattened(root: Node) -> Node:
    """Join every intersection, in place, outer ones first."""
    return _Flattening(root).run()


class _Flattening:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._copies = 0
        self._known: dict[bytes, Place] = {}
        """Intersections with a definition that were joined already, so that equal ones are joined once."""

    def run(self) -> Node:
        holder: dict[str, Any] = {"root": self._root}
        waiting = [Place(holder, "root")]
        while waiting:
            place = waiting.pop()
            node = place.value
            if "allOf" in node or ("$ref" in node and not node.keys() - {"$defs"} <= ANNOTATIONS | {"$ref"}):
                node = self._joined(place, node)
            waiting.extend(inner_places(node))
        root: Node = holder["root"]
        return root

    def _joined(self, place: Place, node: Node) -> Node:
        written = (
            msgspec.json.encode(node)
            if node is not self._root and b"$ref" in msgspec.json.encode(node)
            else None
        )
        if written is not None and written in self._known:
            return self._share(place, written)
        before = self._copies
        joined = self._join(node)
        if written is not None and self._copies > before:
            self._known[written] = place
        if node is self._root:
            node.clear()
            node.update(joined)
            return node
        place.put(joined)
        return joined

    def _share(self, place: Place, written: bytes) -> Node:
        first = self._known[written]
        definitions = self._root.setdefault("$defs", {})
        if "$ref" not in first.value or first.value.keys() != {"$ref"}:
            name = "joined"
            while name in definitions:
                name += "_"
            definitions[name] = first.value
            first.put({"$ref": DEFS + name})
        place.put(dict(first.value))
        shared: Node = place.value
        return shared

    def _join(self, node: Node) -> Node:
        """The schema without ``allOf`` and with its reference alone or gone, as far as that can be."""
        out: Node = {name: value for name, value in node.items() if name not in ("allOf", "$ref")}
        parts: list[Node] = [{"$ref": node["$ref"]}] if "$ref" in node else []
        parts += node.get("allOf", [])
        left: list[Node] = []
        taken: set[str] = set()
        while parts:
            part = parts.pop(0)
            if "$ref" not in part and "allOf" not in part:
                left += _absorb(out, part)
                continue
            rest = {name: value for name, value in part.items() if name not in ("$ref", "allOf")}
            inner = [*([{"$ref": part["$ref"]}] if "$ref" in part else ()), *part.get("allOf", ())]
            if rest or "allOf" in part:
                parts[:0] = [*([rest] if rest else ()), *inner]
                continue
            reference = part["$ref"]
            if reference in taken:
                continue
            taken.add(reference)
            alone = not left and not any(each != part for each in parts)
            if alone and out.keys() - {"$defs"} <= ANNOTATIONS:
                return {**out, "$ref": reference}
            meant = definition(self._root, reference)
            if meant is None or self._copies >= _MOST_COPIES:
                left.append(part)
                continue
            self._copies += 1
            parts.insert(0, copied({name: value for name, value in meant.items() if name != "$defs"}))
        if left:
            out["allOf"] = left
        return out


def _absorb(out: Node, part: Mapping[str, Any]) -> list[Node]:
    """Join a schema into another, in place; returns what could not be joined."""
    left: list[Node] = []
    for name, value in part.items():
        if name not in out:
            out[name] = value
        elif out[name] == value or name in ANNOTATIONS or name == "$defs":
            continue
        elif name in _JOINS:
            joined = _JOINS[name](out[name], value)
            if joined is None:
                left.append({name: value})
            else:
                out[name] = joined
        else:
            left.append({name: value})
    return left


def _types(one: Any, other: Any) -> Any:
    first, second = types_of({"type": one}), types_of({"type": other})
    both = [name for name in first if name in second or (name == "integer" and "number" in second)]
    both += [name for name in second if name == "integer" and "number" in first and name not in both]
    return None if not both else both[0] if len(both) == 1 else both


def _properties(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    joined = dict(one)
    for name, value in other.items():
        joined[name] = value if name not in one or one[name] == value else {"allOf": [one[name], value]}
    return joined


def _common(one: list[Any], other: list[Any]) -> list[Any] | None:
    return [value for value in one if value in other] or None


def _additional(one: Any, other: Any) -> Any:
    if one is False or other is False:
        return False
    if one is True or other is True:
        return other if one is True else one
    return {"allOf": [one, other]}


def _items(one: Any, other: Any) -> Any:
    return _additional(one, other)


TIGHTEST: Mapping[str, Callable[[Any, Any], Any]] = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
}
"""The limits of which the tighter one of two holds."""

_JOINS: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "properties": _properties,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "enum": _common,
    "additionalProperties": _additional,
    "items": _items,
    **TIGHTEST,
    "uniqueItems": lambda one, other: one or other,
}
