"""References of every kind, made to lead into the ``$defs`` of the root.

https://json-schema.org/draft/2020-12/json-schema-core#section-8.2
Vendors follow ``#/$defs/NAME`` and little else. A schema that is referred to from several places is moved once and
referred to from all of them, so that nothing grows and a circle stays a circle.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from llmring_providers.schema._walk import Node, Place, add, inner_places, nodes

DEFS = "#/$defs/"
_WORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_IDENTITY = ("$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "id")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_OWN_PLACE = re.compile(r"#/(?:\$defs|definitions)/([^/]+)")


def localise(root: Node) -> Node:
    """Bring every reference home, in place; definitions to which nothing refers are left out."""
    return _Home(root).bring()


def definition(root: Node, reference: Any) -> Node | None:
    """The definition to which a local reference leads."""
    if not isinstance(reference, str) or not reference.startswith(DEFS):
        return None
    found = root.get("$defs", {}).get(reference.removeprefix(DEFS))
    return found if isinstance(found, dict) else None


def pruned(root: Node) -> Node:
    """Leave out, in place, the definitions to which nothing in use refers."""
    definitions = root.pop("$defs", {})
    used: set[str] = set()
    waiting = [root]
    while waiting:
        for node in nodes(waiting.pop()):
            name = str(node.get("$ref", "")).removeprefix(DEFS)
            if name in definitions and name not in used:
                used.add(name)
                waiting.append(definitions[name])
    if used:
        root["$defs"] = {name: node for name, node in definitions.items() if name in used}
    return root


def copied(node: Any) -> Any:
    """A deep copy of JSON, however deep."""
    return msgspec.json.decode(msgspec.json.encode(node))


class _Home:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._places: dict[int, Place] = {}
        self._named: dict[int, str] = {}
        """Names of the schemas that are referred to, by identity."""
        self._targets: dict[str, Node] = {}
        self._identified: dict[str, Node] | None = None

    def bring(self) -> Node:
        pointing = list(self._pointing())
        for node, name in pointing:
            for word in _WORDS:
                given = node.pop(word, None)
                if given is not None and name is None:
                    add(node, f"(like {given}, which is not given)")
            if name is not None:
                node["$ref"] = DEFS + name
        self._move()
        return self._root

    def _pointing(self) -> Iterator[tuple[Node, str | None]]:
        """Every schema that refers to another, and the name of that; those that are referred to are visited as well."""
        waiting, seen = [self._root], {id(self._root)}
        while waiting:
            node = waiting.pop()
            for place in inner_places(node):
                value = place.value
                if isinstance(value, dict) and id(value) not in seen:
                    seen.add(id(value))
                    self._places[id(value)] = place
                    waiting.append(value)
            reference = next((node[word] for word in _WORDS if isinstance(node.get(word), str)), None)
            if reference is None:
                continue
            target = self._target(reference)
            if target is None:
                yield node, None
                continue
            yield node, self._name(target, reference)
            if id(target) not in seen:
                seen.add(id(target))
                waiting.append(target)

    def _target(self, reference: str) -> Node | None:
        base, _, fragment = reference.partition("#")
        start = self._root if not base else self._by_identity(base)
        if start is None or (fragment and not fragment.startswith("/")):
            return self._by_identity(reference) or (None if base else self._by_identity("#" + fragment))
        found: Any = start
        for step in fragment.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(key)
            else:
                found = (
                    found[int(key)]
                    if isinstance(found, list) and key.isdigit() and int(key) < len(found)
                    else None
                )
        if found is None and not base:  # written for a document of another kind, such as OpenAPI's components
            last = reference.rpartition("/")[2]
            known = (self._root.get(at) for at in ("$defs", "definitions"))
            found = next((each[last] for each in known if isinstance(each, dict) and last in each), None)
        return {} if found is True else found if isinstance(found, dict) else None

    def _by_identity(self, name: str) -> Node | None:
        if self._identified is None:
            self._identified = {}
            waiting = [self._root]
            while waiting:
                node = waiting.pop()
                for word in _IDENTITY:
                    if isinstance(node.get(word), str):
                        anchor = node[word] if word in ("$id", "id") else "#" + node[word]
                        self._identified.setdefault(anchor, node)
                waiting.extend(place.value for place in inner_places(node) if isinstance(place.value, dict))
        return self._identified.get(name)

    def _name(self, target: Node, reference: str) -> str:
        if id(target) in self._named:
            return self._named[id(target)]
        own = _OWN_PLACE.fullmatch(reference)
        wish = own[1] if own else reference.rpartition("/")[2].rpartition("#")[2] or "root"
        wish = _NOT_IN_NAME.sub("_", unquote(wish).replace("~1", "/").replace("~0", "~")) or "schema"
        name, count = wish, 1
        while name in self._targets:
            count += 1
            name = f"{wish}_{count}"
        self._named[id(target)] = name
        self._targets[name] = target
        return name

    def _move(self) -> None:
        root = self._root
        named = [root.get("$defs"), root.get("definitions")]
        before = [node for each in named if isinstance(each, dict) for node in each.values()]
        for node in (root, *self._targets.values(), *self._within()):
            for word in (*_IDENTITY, "definitions"):
                if word != "id" or isinstance(node.get(word), str):
                    node.pop(word, None)
            if node is not root:
                node.pop("$defs", None)
        own = {id(node) for node in before}
        if not self._targets:
            root.pop("$defs", None)
            return
        for name, target in self._targets.items():
            place = self._places.get(id(target))
            if place is not None and id(target) not in own:
                place.put({"$ref": DEFS + name})
        order = {id(node): place for place, node in enumerate(before)}
        names = sorted(self._targets, key=lambda name: order.get(id(self._targets[name]), len(order)))
        root["$defs"] = None  # keeps its place
        found = {name: self._targets[name] for name in names}
        for name, target in found.items():
            if target is root:
                found[name] = copied({word: value for word, value in root.items() if word != "$defs"})
        root["$defs"] = found

    def _within(self) -> list[Node]:
        return [place.value for place in self._places.values() if isinstance(place.value, dict)]
