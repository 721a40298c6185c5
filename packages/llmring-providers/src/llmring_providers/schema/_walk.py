"""Schemas as trees: the places where others stand, visited without recursion, and words in their descriptions.

https://json-schema.org/draft/2020-12/json-schema-core#section-10 (and ``definitions`` and ``additionalItems`` of older
drafts). Values such as ``default`` and ``enum`` look like schemas and are none.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

Node = dict[str, Any]
Change = Callable[[Node], Any]

BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
IN_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
SINGLE = (
    "items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "unevaluatedProperties",
    "propertyNames", "not", "if", "then", "else", "contentSchema",
)  # fmt: skip
MAY_BE_BOOLEAN = frozenset(
    {"items", "additionalItems", "unevaluatedItems", "additionalProperties", "unevaluatedProperties"}
)
"""Keywords that take ``true`` and ``false`` as such; under any other, a schema replaces them."""

_LONGEST = 600
"""Characters of one constraint."""


class Place(NamedTuple):
    """The place of a schema: ``container[key]``."""

    container: Any
    key: Any

    @property
    def value(self) -> Any:
        """The value at this place."""
        return self.container[self.key]

    def put(self, value: Any) -> None:
        """Replace what stands there."""
        self.container[self.key] = value


def inner_places(node: Node) -> Iterator[Place]:
    """The places right within a schema, whatever stands there."""
    for name in BY_NAME:
        if isinstance(schemas := node.get(name), dict):
            yield from (Place(schemas, key) for key in schemas)
    if isinstance(needs := node.get("dependencies"), dict):  # of older drafts: schemas, or lists of names
        yield from (Place(needs, key) for key, value in needs.items() if isinstance(value, (dict, bool)))
    for name in IN_LISTS:
        if isinstance(schemas := node.get(name), list):
            yield from (Place(schemas, index) for index in range(len(schemas)))
    for name in SINGLE:
        if name not in node or (isinstance(node[name], bool) and name in MAY_BE_BOOLEAN):
            continue
        if name == "items" and isinstance(node[name], list):  # a tuple of older drafts
            yield from (Place(node[name], index) for index in range(len(node[name])))
        else:
            yield Place(node, name)


def nodes(root: Node) -> Iterator[Node]:
    """The schema and every one within it, outer ones first."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(place.value for place in inner_places(node) if isinstance(place.value, dict))


def from_outside(root: Node, change: Change) -> Node:
    """Replace every schema by what ``change`` makes of it, outer ones first; it may add schemas within."""
    holder = {"root": root}
    waiting = [Place(holder, "root")]
    while waiting:
        place = waiting.pop()
        place.put(change(place.value))
        waiting.extend(inner_places(place.value))
    return holder["root"]


def from_inside(root: Node, change: Change) -> Node:
    """Replace every schema by what ``change`` makes of it, inner ones first."""
    holder = {"root": root}
    places = [Place(holder, "root")]
    for place in places:  # grows as it is walked
        places.extend(inner_places(place.value))
    for place in reversed(places):
        place.put(change(place.value))
    return holder["root"]


def describe(node: dict[str, Any], described: Mapping[str, Any]) -> None:
    """Append constraints to the description: ``A name. {minLength: 2}``."""
    if described:
        add(node, "{" + ", ".join(f"{name}: {_shown(value)}" for name, value in described.items()) + "}")


def add(node: dict[str, Any], words: str) -> None:
    """Add words to a description."""
    node["description"] = f"{node['description']} {words}" if node.get("description") else words


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
