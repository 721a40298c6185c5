"""A small valid instance of a JSON schema, always the same one.

It knows what structured outputs and tool schemas use: types, ``enum``, ``const``, ``properties`` with ``required``,
``items``, ``prefixItems``, lengths, bounds, ``multipleOf``, ``uniqueItems``, the common formats, local ``$ref``, and
``anyOf``, ``oneOf``, ``allOf``. It does not solve ``pattern``, ``not``, ``if``, nor ``oneOf`` branches that overlap.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from llmring_providers.schema._merge import TIGHTEST
from llmring_providers.sim.prompt import UnreadablePromptError

_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_TOLD_BY = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_DEEPEST = 32
_MOST_PARTS = 10_000
_LONGEST = 100_000


class _NoInstanceError(Exception):
    """This way through the schema leads to no finite instance."""


def instance(schema: Mapping[str, Any], *, name: str = "text") -> Any:
    """Return an instance with nothing in it that may be left out.

    Args:
        schema: a JSON schema; ``$ref`` may point into it. Types in capitals, as Gemini writes them, are taken too.
        name: what a string without other rules says; a property says its own name.

    Raises:
        UnreadablePromptError: there is no such instance, or it is not a schema
    """
    try:
        return _Maker(schema).make(schema, name, 0, 0)
    except _NoInstanceError as error:
        raise UnreadablePromptError("the JSON schema has no instance that is small and finite") from error
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UnreadablePromptError(f"the JSON schema is not valid: {error}") from error


class _Maker:
    """Makes instances of one schema. ``place`` is the place in an array, so that its items differ."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_PARTS

    def make(self, schema: Any, name: str, place: int, depth: int) -> Any:
        self._left -= 1
        if schema is True:
            return _text({}, name, place)
        if not isinstance(schema, Mapping):
            raise _NoInstanceError
        for plain in self._ways(schema, depth):
            try:
                return self._plain(plain, name, place, depth)
            except _NoInstanceError:
                continue
        raise _NoInstanceError

    def _ways(self, schema: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
        """Yield the schema without references and unions, once for each way through them."""
        if depth > _DEEPEST or self._left < 0:
            return
        rest = dict(schema)
        if isinstance(reference := rest.pop("$ref", None), str):
            yield from self._ways(_merged(self._target(reference), rest), depth + 1)
        elif parts := rest.pop("allOf", None):
            for part in parts:
                rest = _merged(rest, self._resolved(part, depth))
            yield from self._ways(rest, depth + 1)
        elif union := next((key for key in ("anyOf", "oneOf") if rest.get(key)), None):
            for branch in rest.pop(union):
                if branch is not False:
                    yield from self._ways(_merged(rest, self._resolved(branch, depth)), depth + 1)
        else:
            yield rest

    def _resolved(self, schema: Any, depth: int) -> Mapping[str, Any]:
        """Follow a reference at the top, so that what it means can be merged."""
        if schema is True:
            return {}
        if schema is False:
            raise _NoInstanceError
        found: Mapping[str, Any] = schema
        while "$ref" in found:
            depth += 1
            if depth > _DEEPEST:
                raise _NoInstanceError
            rest = {key: value for key, value in found.items() if key != "$ref"}
            found = _merged(self._target(found["$ref"]), rest)
        return found

    def _target(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise _NoInstanceError from error
        if not isinstance(found, Mapping):
            raise _NoInstanceError
        return found

    def _plain(self, schema: Mapping[str, Any], name: str, place: int, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][place % len(schema["enum"])]
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, place, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return _scalar(kind, schema, name, place)

    def _object(self, schema: Mapping[str, Any], place: int, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        names = list(dict.fromkeys(schema.get("required") or ()))
        lacking = min(schema.get("minProperties", 0), self._left) - len(names)
        if lacking > 0:
            spare = [name for name in properties if name not in names]
            spare += [f"property{number}" for number in range(1, lacking + 1)]
            names += spare[:lacking]
        others = schema.get("additionalProperties", True)
        return {name: self.make(properties.get(name, others), name, place, depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        first, others = schema.get("prefixItems") or [], schema.get("items", True)
        if (schema.get("minItems") or 0) > self._left:
            raise _NoInstanceError
        return [
            self.make(first[place] if place < len(first) else others, name, place, depth + 1)
            for place in range(schema.get("minItems") or 0)
        ]


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that asks for both."""
    merged = {**one, **other}
    for key in one.keys() & other.keys():
        mine, theirs = one[key], other[key]
        if key == "properties":
            shared = {name: {"allOf": [mine[name], theirs[name]]} for name in mine.keys() & theirs.keys()}
            merged[key] = {**mine, **theirs, **shared}
        elif key in ("required", "allOf"):
            merged[key] = [*mine, *theirs]
        elif key == "enum":
            merged[key] = [value for value in mine if value in theirs]
        elif key in ("anyOf", "oneOf"):
            merged[key] = mine
            merged.setdefault("allOf", []).append({key: theirs})
        elif key in TIGHTEST:
            merged[key] = TIGHTEST[key](mine, theirs)
    return merged


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type")
    if isinstance(kinds, list):  # a null is the dullest of the answers allowed
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    if isinstance(kinds, str):
        return kinds.lower()
    return next((kind for kind, keys in _TOLD_BY.items() if any(key in schema for key in keys)), "string")


def _scalar(kind: str, schema: Mapping[str, Any], name: str, place: int) -> Any:
    if kind in ("integer", "number"):
        return _number(schema, place, whole=kind == "integer")
    if kind == "boolean":
        return place % 2 == 0
    return None if kind == "null" else _text(schema, name, place)


def _text(schema: Mapping[str, Any], name: str, place: int) -> str:
    text = _FORMATS.get(schema.get("format", ""))
    if text is None:
        longest = schema.get("maxLength", _LONGEST)
        text = f"{name} {place + 1}" if place else name
        if place and len(text) > longest:
            text = f"{place + 1} {name}"
        text = text.ljust(min(schema.get("minLength") or 0, _LONGEST), ".")[:longest]
    return text


def _number(schema: Mapping[str, Any], place: int, *, whole: bool) -> float:
    """The multiple nearest to zero within the bounds, or the ``place``-th from there."""
    step: float = schema.get("multipleOf") or 1
    least, most = _multiples(schema, step)
    if least > most:
        if whole or "multipleOf" in schema:
            raise _NoInstanceError
        return _between(schema)
    nearest = min(max(0, least), most)
    if nearest + place <= most:
        return step * int(nearest + place)
    if least == -math.inf:
        return step * int(nearest - place)
    return step * int(least + place % (most - least + 1))


def _multiples(schema: Mapping[str, Any], step: float) -> tuple[float, float]:
    """The least and the greatest multiple of ``step`` that the bounds allow, in steps."""
    least, most = -math.inf, math.inf
    if "minimum" in schema:
        least = max(least, math.ceil(schema["minimum"] / step))
    if "exclusiveMinimum" in schema:
        least = max(least, math.floor(schema["exclusiveMinimum"] / step) + 1)
    if "maximum" in schema:
        most = min(most, math.floor(schema["maximum"] / step))
    if "exclusiveMaximum" in schema:
        most = min(most, math.ceil(schema["exclusiveMaximum"] / step) - 1)
    return least, most


def _between(schema: Mapping[str, Any]) -> float:
    """A number between bounds that hold no whole one."""
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    return float(low + high) / 2
