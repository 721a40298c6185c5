"""Schemas in the words that Gemini knows: nothing that was said is lost."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.google.schema import json_schema
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("google", "m"))


def sent(schema: Any) -> Any:
    return json.loads(bytes(json_schema(schema, CALL)))


UNTOUCHED: list[Any] = [
    {},
    {"type": "object", "properties": {}, "additionalProperties": False},
    {"type": ["string", "null"], "pattern": "^a", "minLength": 1, "format": "date", "default": None},
    {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "title": "Age", "default": None},
    {
        "type": "object",
        "properties": {"node": {"$ref": "#/$defs/Node", "description": "the root"}},
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    },
    {"type": "object", "properties": {"nullable": {"type": "boolean"}, "const": {"type": "string"}}},
    {"type": "string", "nullable": False},
]


@pytest.mark.parametrize("schema", UNTOUCHED)
def test_what_gemini_understands_is_sent_as_it_is(schema: Any) -> None:
    assert sent(schema) == schema


REWRITTEN: list[Any] = [
    pytest.param(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}, {"type": "object"}, id="dialect"
    ),
    pytest.param(
        {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"type": "string"}}},
        {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
        id="definitions of older drafts",
    ),
    pytest.param(
        {"items": {"$ref": "#/$defs/A", "title": "T", "description": "D"}},
        {"items": {"anyOf": [{"$ref": "#/$defs/A"}], "title": "T", "description": "D"}},
        id="a title beside a reference",
    ),
    pytest.param({"type": "string", "nullable": True}, {"type": ["string", "null"]}, id="nullable"),
    pytest.param(
        {"type": "string", "enum": ["a"], "nullable": True, "description": "D"},
        {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}], "description": "D"},
        id="nullable choice",
    ),
    pytest.param(
        {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        id="nullable union",
    ),
    pytest.param(
        {"$ref": "#/$defs/A", "nullable": True},
        {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
        id="nullable reference",
    ),
    pytest.param({"const": "a", "type": "string"}, {"enum": ["a"], "type": "string"}, id="const"),
    pytest.param({"const": None}, {"type": "null"}, id="const null"),
    pytest.param(
        {"allOf": [{"$ref": "#/$defs/A"}], "description": "D"},
        {"anyOf": [{"$ref": "#/$defs/A"}], "description": "D"},
        id="allOf of one, as older pydantic writes it",
    ),
    pytest.param(
        {
            "properties": {
                "headers": {"type": "object", "title": "H"},
                "more": {"$ref": "#/properties/headers", "description": "D"},
            }
        },
        {
            "properties": {
                "headers": {"type": "object", "title": "H"},
                "more": {"type": "object", "title": "H", "description": "D"},
            }
        },
        id="a reference to another place means what stands there",
    ),
    pytest.param(
        {"prefixItems": [{"const": 1}], "additionalProperties": {"const": 2}, "oneOf": [{"const": 3}]},
        {"prefixItems": [{"enum": [1]}], "additionalProperties": {"enum": [2]}, "oneOf": [{"enum": [3]}]},
        id="everywhere",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), REWRITTEN)
def test_what_it_does_not_understand_is_said_in_other_words(schema: Any, expected: Any) -> None:
    before = json.dumps(schema)
    assert sent(schema) == expected
    assert json.dumps(schema) == before


@pytest.mark.parametrize("target", ["#", "#/properties/a", "#/nowhere", "https://x.org/schema"])
def test_a_reference_that_cannot_be_replaced_stays(target: str) -> None:
    schema = {"properties": {"a": {"properties": {"b": {"$ref": target}}}}}
    assert json.dumps({"$ref": target}) in json.dumps(sent(schema))


def test_what_json_cannot_hold_is_told() -> None:
    with pytest.raises(UnsupportedContentError):
        json_schema({"default": object()}, CALL)


def test_a_schema_without_a_bottom_is_told() -> None:
    schema: dict[str, Any] = {"const": 1}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(UnsupportedContentError):
        json_schema(schema, CALL)


def test_a_pydantic_model_keeps_its_meaning() -> None:
    pydantic = pytest.importorskip("pydantic")
    inner = pydantic.create_model("Inner", kind=(str, "x"))
    model = pydantic.create_model("Outer", inner=(inner, pydantic.Field(title="I")))
    found = sent(model.model_json_schema())
    assert found["properties"]["inner"] == {"anyOf": [{"$ref": "#/$defs/Inner"}], "title": "I"}
    assert found["$defs"].keys() == {"Inner"}


KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "$ref",
        "$defs",
        "definitions",
        "nullable",
        "const",
        "enum",
        "allOf",
        "anyOf",
    ]
)
VALUES = st.sampled_from(
    [True, None, 1, "object", "string", "#/$defs/a", "#/definitions/a", "#/properties/a", "#/a", "#", "x"]
)
SCHEMAS = st.recursive(
    st.dictionaries(KEYWORDS, VALUES, max_size=3),
    lambda inner: st.dictionaries(
        KEYWORDS,
        VALUES | inner | st.lists(inner, max_size=2) | st.dictionaries(st.just("a"), inner),
        max_size=4,
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_any_schema_is_written(schema: dict[str, Any]) -> None:
    assert isinstance(json_schema(schema, CALL), msgspec.Raw)
