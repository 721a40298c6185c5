"""Regular expressions of a schema, matched within a time limit.

``re`` takes exponential time for patterns such as ``^(a+)+$`` (eight seconds for 28 letters) and holds the event loop
and every other thread meanwhile. ``regex`` reads the same language, is quick with most of these, and stops when told.
"""

import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_SECONDS = 0.1
"""For all patterns of one answer together. A megabyte takes a plain pattern some ten milliseconds."""

_deadline: ContextVar[float] = ContextVar("_deadline")


class PatternTimeoutError(Exception):
    """Time is up; the pattern was not matched to the end."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern


class Stopwatch:
    """Bounds the patterns that are matched within the block."""

    def __enter__(self) -> None:
        self._token = _deadline.set(time.perf_counter() + MOST_SECONDS)

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


def has_patterns(schema: Any) -> bool:
    """Return whether matching an answer to the schema takes regular expressions."""
    if isinstance(schema, Mapping):
        return bool(schema.keys() & {"pattern", "patternProperties"}) or any(
            map(has_patterns, schema.values())
        )
    return isinstance(schema, list) and any(map(has_patterns, schema))


def bounded(kind: "type[Validator]", schema: Mapping[str, Any]) -> "type[Validator]":
    """Return the validator class with keywords that match within the time limit.

    Raises:
        ValueError: the schema combines keywords whose patterns cannot be bounded, or a pattern is not valid.
    """
    from jsonschema.validators import extend  # noqa: PLC0415 - loaded already

    if _has_keyword(schema, "unevaluatedProperties") and _has_keyword(schema, "patternProperties"):
        raise ValueError("patternProperties beside unevaluatedProperties: name the properties in full")
    _compile_all(schema)
    additional = kind.VALIDATORS["additionalProperties"]

    def additional_properties(
        validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]
    ) -> Iterator[Any]:
        patterns = schema.get("patternProperties", {})
        if patterns and isinstance(instance, dict):
            schema = {name: value for name, value in schema.items() if name != "patternProperties"}
            instance = {
                name: value
                for name, value in instance.items()
                if not any(_matches(each, name) for each in patterns)
            }
        yield from additional(validator, wanted, instance, schema) or ()

    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": additional_properties,
    }
    made: type[Validator] = extend(kind, keywords)  # type: ignore[no-untyped-call]
    return made


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - loaded already

    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name, value in instance.items():
                if _matches(pattern, name):
                    yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _matches(pattern: str, text: str) -> bool:
    import regex  # noqa: PLC0415 - only for schemas with patterns

    left = _deadline.get() - time.perf_counter()
    try:
        if left > 0:
            return regex.compile(pattern, cache_pattern=True).search(text, timeout=left) is not None
    except TimeoutError:
        pass
    raise PatternTimeoutError(pattern)


def _compile_all(schema: Any) -> None:
    import regex  # noqa: PLC0415 - only for schemas with patterns

    for pattern in _patterns(schema):
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"the pattern {pattern!r:.80} is not valid: {error}") from error


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        pattern, named = schema.get("pattern"), schema.get("patternProperties")
        if isinstance(pattern, str):
            yield pattern
        if isinstance(named, Mapping):
            yield from named
        for value in schema.values():
            yield from _patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _patterns(value)


def _has_keyword(schema: Any, keyword: str) -> bool:
    if isinstance(schema, Mapping):
        return keyword in schema or any(_has_keyword(value, keyword) for value in schema.values())
    return isinstance(schema, list) and any(_has_keyword(value, keyword) for value in schema)
