"""Schemas are brought into what constrained decoding takes."""

from typing import Any

import pytest
from llmring_providers.anthropic.schemas import tightened

ROWS = [
    pytest.param({"type": "string"}, {"type": "string"}, id="untouched"),
    pytest.param(
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {
            "type": "object",
            "properties": {"a": {"type": "object", "additionalProperties": False}},
            "additionalProperties": False,
        },
        id="objects are closed",
    ),
    pytest.param({"properties": {}}, {"properties": {}, "additionalProperties": False}, id="type left out"),
    pytest.param(
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        id="an open object stays the user's",
    ),
    pytest.param(
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "integer", "description": "{minimum: 1, maximum: 9}"},
        id="limits move into the description",
    ),
    pytest.param(
        {"type": "string", "minLength": 2, "pattern": "^a", "description": "A name."},
        {"type": "string", "pattern": "^a", "description": "A name. {minLength: 2}"},
        id="behind what is there",
    ),
    pytest.param(
        {"type": "array", "items": {"type": "number", "multipleOf": 2}, "minItems": 1},
        {"type": "array", "items": {"type": "number", "description": "{multipleOf: 2}"}, "minItems": 1},
        id="items; at least one is taken",
    ),
    pytest.param(
        {"type": "array", "minItems": 2},
        {"type": "array", "description": "{minItems: 2}"},
        id="at least two is not",
    ),
    pytest.param(
        {"oneOf": [{"type": "null"}, {"type": "string", "format": "phone"}]},
        {"anyOf": [{"type": "null"}, {"type": "string", "description": "{format: phone}"}]},
        id="unions, unknown formats",
    ),
    pytest.param(
        {"type": "string", "format": "date"}, {"type": "string", "format": "date"}, id="known format"
    ),
    pytest.param(
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object", "properties": {}}}},
        {
            "$ref": "#/$defs/x",
            "$defs": {"x": {"type": "object", "properties": {}, "additionalProperties": False}},
        },
        id="definitions",
    ),
    pytest.param(
        {"type": "object", "properties": {"minimum": {"type": "string"}, "format": {"type": "string"}}},
        {
            "type": "object",
            "properties": {"minimum": {"type": "string"}, "format": {"type": "string"}},
            "additionalProperties": False,
        },
        id="properties named like limits",
    ),
    pytest.param({"items": True, "anyOf": [True]}, {"items": True, "anyOf": [True]}, id="true for a schema"),
    pytest.param(
        {"enum": ["a"], "default": {"minimum": 1}},
        {"enum": ["a"], "default": {"minimum": 1}},
        id="values are not schemas",
    ),
]


@pytest.mark.parametrize(("schema", "expected"), ROWS)
def test_a_schema_as_anthropic_takes_it(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr(schema)
    assert tightened(schema) == expected
    assert repr(schema) == before
