"""Schemas that lead back to themselves, and vendors that follow them not at all or only so far."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from llmring_providers.schema._references import DEFS, copied
from llmring_providers.schema._walk import Node, Place, inner_places, nodes

_LEAST_ROOM = 4096
_GROWTH = 8
"""Written out, a schema may become so many times longer."""


def circles(root: Node) -> set[str]:
    """The definitions that refer to themselves, directly or through others."""
    links = {name: set(_referred(nodes(node))) for name, node in _definitions(root).items()}
    return {name for name in links if name in _reachable(name, links)}


def loosened(root: Node) -> Node:
    """Let no definition need itself, in place: where it does, the property on the way becomes optional.

    Where there is no property on the way, words stand for the reference. Whoever validates the answer by the
    user's schema still sees a property that is missing.
    """
    definitions = _definitions(root)
    links = {name: set(_referred(nodes(node))) for name, node in definitions.items()}
    for name, definition in definitions.items():
        back = {other for other in _reachable(name, links) if name in _reachable(other, links)}
        if definition.get("$ref", "").removeprefix(DEFS) in back:  # it says nothing but that it is itself
            definition.pop("$ref")
        if back:
            _loosen(definition, back)
    return root


def written_out(root: Node) -> Node:
    """Put what is meant in the place of every reference, in place, as long as the whole stays short."""
    definitions = root.pop("$defs", {})
    room = _LEAST_ROOM + _GROWTH * len(msgspec.json.encode([root, definitions]))
    waiting: list[tuple[Place, frozenset[str]]] = [(place, frozenset()) for place in inner_places(root)]
    while waiting:
        place, within = waiting.pop()
        node = place.value
        reference = node.get("$ref")
        name = reference.removeprefix(DEFS) if isinstance(reference, str) else None
        if name is not None:
            beside = {word: value for word, value in node.items() if word != "$ref"}
            meant = definitions.get(name, {})
            size = len(msgspec.json.encode(meant))
            if name in within or size > room:
                place.put({**_in_words(name, meant), **beside})
                continue
            room -= size
            within |= {name}
            place.put({**copied(meant), **beside})
            waiting.append((place, within))  # a definition may be a reference itself
            continue
        waiting.extend((inner, within) for inner in inner_places(node))
    return root


def _definitions(root: Node) -> Mapping[str, Node]:
    found: Mapping[str, Node] = root.get("$defs", {})
    return found


def _referred(within: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for node in within:
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(DEFS)


def _reachable(start: str, links: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(links.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(links.get(name, ()))
    return found


def _loosen(definition: Node, back: set[str]) -> None:
    waiting = [definition]
    while waiting:
        node = waiting.pop()
        required = node.get("required", [])
        properties = node.get("properties", {})
        for name in [name for name in required if name in properties]:
            if not back.isdisjoint(_needed(properties[name])):
                node["required"] = [other for other in node["required"] if other != name]
        for place in inner_places(node):
            if place.container is properties:
                if place.key in node.get("required", []):
                    waiting.append(place.value)
            elif place.value.get("$ref", "").removeprefix(DEFS) in back:
                place.put(_in_words(place.value["$ref"].removeprefix(DEFS), {}))
            elif place.container is not node.get("$defs"):
                waiting.append(place.value)


def _needed(node: Node) -> Iterator[str]:
    """The definitions without which there is no value of a schema, or which stand in its arrays."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each.get("$ref"), str):
            yield each["$ref"].removeprefix(DEFS)
        properties, required = each.get("properties"), each.get("required", [])
        waiting.extend(
            place.value
            for place in inner_places(each)
            if place.container is not properties or place.key in required
        )


def _in_words(name: str, meant: Mapping[str, Any]) -> Node:
    described = {"description": f"like {name}"}
    return {"type": meant["type"], **described} if "type" in meant else described
