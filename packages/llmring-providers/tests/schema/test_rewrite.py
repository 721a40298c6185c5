"""Schemas in the words of each vendor: what it refuses is never sent, and nothing is lost without a word."""

import json
import time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from llmring_providers.schema import (
    ANTHROPIC,
    ANTHROPIC_STRICT,
    GEMINI,
    GEMINI_OPENAPI,
    OLLAMA_FORMAT,
    OLLAMA_TOOL,
    OPENAI,
    OPENAI_STRICT,
    Dialect,
    rewrite,
    wraps,
)
from ollama import Tool
from validators import json_schema as vendor

A = {
    "type": "object",
    "properties": {"x": {"type": "string"}},
    "required": ["x"],
    "additionalProperties": False,
}
REF = {"$ref": "#/$defs/A"}

RULES = [
    pytest.param(OPENAI_STRICT, vendor.OPENAI_STRICT, id="openai-strict"),
    pytest.param(OPENAI, vendor.OPENAI, id="openai"),
    pytest.param(ANTHROPIC_STRICT, vendor.ANTHROPIC_STRICT, id="anthropic-strict"),
    pytest.param(ANTHROPIC, vendor.ANTHROPIC, id="anthropic"),
    pytest.param(GEMINI, vendor.GEMINI, id="gemini"),
    pytest.param(OLLAMA_FORMAT, vendor.OLLAMA, id="ollama-format"),
]


def around(schema: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"a": schema},
        "required": ["a"],
        "additionalProperties": False,
        "$defs": {"A": A},
    }


def inside(schema: Any, dialect: Dialect) -> Any:
    return rewrite(around(schema), dialect).schema["properties"]["a"]


ROWS = [
    pytest.param(REF | {"description": "D"}, OPENAI_STRICT, {"description": "D", "anyOf": [REF]}, id="beside a $ref"),
    pytest.param({"allOf": [REF], "title": "T"}, GEMINI, {"title": "T", "anyOf": [REF]}, id="allOf of one"),
    pytest.param({"oneOf": [REF, {"type": "null"}]}, OPENAI_STRICT, {"anyOf": [REF, {"type": "null"}]}, id="oneOf"),
    pytest.param(
        {"type": "string", "default": "x"}, OPENAI_STRICT, {"type": "string", "description": "{default: x}"}, id="default"
    ),
    pytest.param(
        {"type": "integer", "minimum": 1, "description": "D"},
        ANTHROPIC_STRICT,
        {"type": "integer", "description": "D {minimum: 1}"},
        id="a limit, behind what is there",
    ),
    pytest.param(
        {"type": "string", "pattern": r"^(?!x)", "format": "phone"},
        OPENAI_STRICT,
        {"type": "string", "description": "{format: phone, pattern: ^(?!x)}"},
        id="look-around",
    ),
    pytest.param({"type": "string", "pattern": "^a"}, ANTHROPIC_STRICT, {"type": "string", "pattern": "^a"}, id="pattern"),
    pytest.param(
        {"type": "string", "pattern": "a"}, OLLAMA_FORMAT, {"type": "string", "description": "{pattern: a}"}, id="anchors"
    ),
    pytest.param({"const": "a"}, GEMINI, {"enum": ["a"]}, id="const"),
    pytest.param({"const": None}, GEMINI, {"type": "null"}, id="const null"),
    pytest.param(
        {"enum": ["a", 1, None]},
        GEMINI,
        {"anyOf": [{"type": ["string", "integer"], "enum": ["a", 1]}, {"type": "null"}]},
        id="enum of mixed kinds",
    ),
    pytest.param(
        {"enum": ["a", None]}, OPENAI_STRICT, {"enum": ["a", None], "type": ["string", "null"]}, id="enum without a type"
    ),
    pytest.param(
        {"type": "string", "enum": ["a", 1]}, OPENAI_STRICT, {"type": "string", "enum": ["a"]}, id="values of no use"
    ),
    pytest.param(
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        OPENAI_STRICT,
        {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "description": '{prefixItems: [{"type":"string"},{"type":"integer"}]}',
        },
        id="a tuple",
    ),
    pytest.param(
        {"type": "array", "items": [{"type": "string"}]},
        GEMINI,
        {"type": "array", "prefixItems": [{"type": "string"}]},
        id="a tuple of an older draft",
    ),
    pytest.param({"type": "string", "nullable": True}, OPENAI, {"type": ["string", "null"]}, id="nullable"),
    pytest.param(
        REF | {"nullable": True}, GEMINI, {"anyOf": [REF, {"type": "null"}]}, id="a nullable reference"
    ),
    pytest.param(
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
        OPENAI,
        {"type": "number", "exclusiveMinimum": 1},
        id="a limit of draft 4",
    ),
    pytest.param({"type": "number", "maximum": float("inf")}, OPENAI, {"type": "number"}, id="no limit at all"),
    pytest.param({"type": "STRING"}, OPENAI, {"type": "string"}, id="type names of OpenAPI"),
    pytest.param({"type": "any"}, OPENAI, {}, id="no type name"),
    pytest.param({"type": "array"}, OPENAI, {"type": "array", "items": {}}, id="an array of anything"),
    pytest.param({"$ref": "#/nowhere"}, GEMINI, {"description": "(like #/nowhere, which is not given)"}, id="nowhere"),
    pytest.param(
        {"allOf": [REF, {"properties": {"y": {"type": "integer"}}, "required": ["y"]}]},
        OPENAI_STRICT,
        {
            "type": "object",
            "properties": {"x": {"type": "string"}, "y": {"type": "integer"}},
            "required": ["x", "y"],
            "additionalProperties": False,
        },
        id="an intersection",
    ),
    pytest.param(
        {"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "minimum": 3}]},
        OPENAI_STRICT,
        {"type": "integer", "minimum": 3},
        id="an intersection of limits",
    ),
    pytest.param(
        {"allOf": [{"type": "string", "pattern": "^a"}, {"pattern": "b$"}]},
        OPENAI_STRICT,
        {"type": "string", "pattern": "^a", "description": '{allOf: [{"pattern":"b$"}]}'},
        id="an intersection that is none",
    ),
    pytest.param(True, OLLAMA_FORMAT, {"type": ["string", "number", "integer", "boolean", "object", "array", "null"]}, id="true"),
    pytest.param(REF, OLLAMA_TOOL, {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}, id="inline"),
    pytest.param(
        {"type": "string", "title": "T", "x-order": 3, "$comment": "c"}, ANTHROPIC_STRICT, {"type": "string", "title": "T"}, id="notes"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "dialect", "expected"), ROWS)
def test_what_a_vendor_has_no_word_for_is_said_in_other_words(
    schema: Any, dialect: Dialect, expected: Any
) -> None:
    before = repr(schema)
    assert inside(schema, dialect) == expected
    assert repr(schema) == before


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
def test_a_schema_that_is_not_enforced_is_sent_as_it_is(dialect: Dialect) -> None:
    schema = around(
        {"oneOf": [REF, {"not": {"type": "array", "items": {}}}], "default": 1, "minLength": 2, "x-mine": [1]}
    )
    assert bytes(rewrite(schema, dialect).json) == json.dumps(schema, separators=(",", ":")).encode()


OBJECTIONABLE = [
    pytest.param({"type": "object", "additionalProperties": {"type": "string"}}, "any property", id="map"),
    pytest.param({"type": "object"}, "any property", id="any object"),
    pytest.param({"type": "object", "properties": {}, "patternProperties": {"^a": {}}}, "any property", id="patterns"),
    pytest.param({}, "nothing of its type", id="anything"),
    pytest.param({"type": "array"}, "any items", id="an array of anything"),
    pytest.param({"type": "object", "properties": {}, "required": ["b"]}, "'b' is required", id="unknown property"),
]  # fmt: skip


@pytest.mark.parametrize("dialect", [OPENAI_STRICT, ANTHROPIC_STRICT])
@pytest.mark.parametrize(("schema", "objection"), OBJECTIONABLE)
def test_what_cannot_be_said_at_all_is_objected_to(schema: Any, objection: str, dialect: Dialect) -> None:
    assert objection in " ".join(rewrite(around(schema), dialect).objections)


def test_a_property_that_may_be_left_out_is_objected_to_by_openai_alone() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert rewrite(schema, OPENAI_STRICT).objections == ("'a' is not required",)
    assert rewrite(schema, ANTHROPIC_STRICT).objections == ()


@pytest.mark.parametrize(
    ("schema", "dialect"),
    [
        (
            {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(25)}},
            ANTHROPIC_STRICT,
        ),
        (
            around(
                {
                    "type": "array",
                    "items": {"anyOf": [{"type": "object", "properties": {}}, {"enum": list(range(1001))}]},
                }
            ),
            OPENAI_STRICT,
        ),
    ],
)
def test_a_schema_that_is_too_large_is_objected_to(schema: Any, dialect: Dialect) -> None:
    assert "more than" in rewrite(schema, dialect).objections[0]


TREE = {
    "type": "object",
    "properties": {"v": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["v", "kids"],
}


def test_a_circle_is_kept_loosened_or_objected_to() -> None:
    assert rewrite(TREE, OPENAI).schema["$defs"]["root"]["required"] == ["v", "kids"]
    assert rewrite(TREE, GEMINI).schema["$defs"]["root"]["required"] == ["v"]
    assert rewrite(TREE, ANTHROPIC_STRICT).objections == ("'root' refers to itself",)
    inner = rewrite(TREE, OLLAMA_TOOL).schema["properties"]["kids"]["items"]
    assert inner["properties"]["kids"]["items"] == {"type": "object", "description": "like root"}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"type": "string", "$ref": "#"}]},
        {"allOf": [{"allOf": []}]},
        {"allOf": [{"allOf": [{"$ref": "#/$defs/a"}]}], "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
    ],
)
@pytest.mark.parametrize("dialect", [OPENAI_STRICT, ANTHROPIC_STRICT, GEMINI, OLLAMA_FORMAT])
def test_a_join_that_leads_to_itself_or_to_nothing_ends(schema: Any, dialect: Dialect) -> None:
    assert rewrite(schema, dialect).json


def test_a_circle_without_a_property_is_told_in_words() -> None:
    schema = around({"$ref": "#/$defs/L"}) | {
        "$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}}
    }
    assert rewrite(schema, GEMINI).schema["$defs"] == {
        "L": {"type": "array", "items": {"description": "like L"}}
    }


REFERENCES = [
    "#/properties/inner",
    "#inner",
    "https://x.org/inner",
    "#/components/schemas/A",
    "#/definitions/a~1b%20c",
    "#/x-parts/0",
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_of_any_kind_leads_into_the_definitions(reference: str) -> None:
    string = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {
            "inner": string | {"$anchor": "inner", "$id": "https://x.org/inner"},
            "other": {"$ref": reference},
        },
        "definitions": {"A": string, "a/b c": string},
        "x-parts": [string],
    }
    found = rewrite(schema, OPENAI).schema
    (name,) = found["$defs"]
    assert found["properties"]["other"] == {"$ref": f"#/$defs/{name}"}
    assert found["$defs"][name] == string


def test_definitions_to_which_nothing_refers_are_left_out() -> None:
    assert "$defs" not in rewrite(around({"type": "string"}), OPENAI).schema


def chain(length: int, *, beside: bool) -> dict[str, Any]:
    """Each property refers twice to the one before."""
    more = {"properties": {"z": {"type": "string"}}} if beside else {}
    parts: dict[str, Any] = {"p0": {"type": "object", "properties": {}}}
    for at in range(1, length):
        pointer = {"$ref": f"#/properties/p{at - 1}"} | more
        parts[f"p{at}"] = {"type": "object", "properties": {"a": pointer, "b": dict(pointer)}}
    return {"type": "object", "properties": parts}


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    "dialect", [OPENAI_STRICT, OPENAI, ANTHROPIC_STRICT, GEMINI, OLLAMA_FORMAT, OLLAMA_TOOL]
)
def test_what_is_shared_does_not_blow_up(dialect: Dialect, beside: bool) -> None:
    schema = chain(40, beside=beside)
    started = time.process_time()
    assert len(rewrite(schema, dialect).json) < 20 * len(json.dumps(schema))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(("dialect", "rules"), RULES)
def test_a_hundred_levels_are_no_matter(dialect: Dialect, rules: vendor.Rules) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    found = rewrite(schema, dialect)
    assert found.objections or not vendor.refusals(found.schema, rules)


def test_a_schema_without_a_bottom_is_an_error() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100_000):
        schema = {"items": schema}
    with pytest.raises(RecursionError):
        rewrite(schema, GEMINI)


ROOTS = [
    pytest.param({}, {"type": "object", "properties": {}}, id="empty"),
    pytest.param({"type": "object"}, {"type": "object", "properties": {}}, id="no properties"),
    pytest.param({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}, id="no type"),
    pytest.param(
        {"$ref": "#/$defs/B", "$defs": {"B": {"type": "object", "properties": {"a": {}}}}},
        {"type": "object", "properties": {"a": {}}},
        id="reference",
    ),
    pytest.param(
        {"anyOf": [A, {"type": "object", "properties": {"y": {}, "x": {"type": "integer"}}, "required": ["y", "x"]}]},
        {
            "type": "object",
            "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "y": {}},
            "required": ["x"],
            "description": "Give the properties of one of: x; y, x.",
        },
        id="union",
    ),
    pytest.param(
        {"type": "array", "items": {"type": "string"}, "description": "D"},
        {
            "description": 'D {type: array, items: {"type":"string"}}',
            "type": "object",
            "properties": {},
        },
        id="no object",
    ),
]  # fmt: skip


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize(("schema", "expected"), ROOTS)
def test_arguments_are_an_object(schema: Any, expected: Any, dialect: Dialect) -> None:
    assert rewrite(schema, dialect).schema == expected


@pytest.mark.parametrize(
    "schema", [{"type": "array", "items": {}}, {"anyOf": [A, A]}, {"type": "object", "anyOf": [A, A]}]
)
def test_an_answer_that_is_no_object_is_wrapped_for_openai(schema: Any) -> None:
    found = rewrite(schema, OPENAI, answer=True)
    assert found.wrapped
    assert wraps(schema)
    assert found.schema["properties"]["value"] == schema
    assert not rewrite(schema, GEMINI, answer=True).wrapped
    assert not wraps(A)


def test_what_refers_to_the_root_still_does_so_when_it_is_wrapped() -> None:
    schema = {"type": "array", "items": {"$ref": "#"}}
    found = rewrite(schema, OPENAI, answer=True).schema
    assert found["properties"]["value"]["items"] == {"$ref": "#/$defs/root"}
    assert found["$defs"]["root"]["type"] == "array"


def test_a_property_name_that_anthropic_refuses_is_told() -> None:
    schema = {"type": "object", "properties": {"a b": {"type": "string"}}}
    assert rewrite(schema, ANTHROPIC).unsendable == ("a property is named 'a b'",)


def test_geminis_older_language_keeps_its_words() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "const": {"type": "STRING", "const": "a"},
            "b": {"type": "NUMBER", "nullable": True, "multipleOf": 2},
        },
        "property_ordering": ["b"],
        "additionalProperties": False,
        "$schema": "x",
    }
    found = rewrite(schema, GEMINI_OPENAPI).schema
    assert found == {
        "type": "OBJECT",
        "properties": {
            "const": {"type": "STRING", "enum": ["a"]},
            "b": {"type": "NUMBER", "nullable": True, "description": "{multipleOf: 2}"},
        },
        "property_ordering": ["b"],
    }
    assert vendor.refusals(found, vendor.GEMINI_OPENAPI) == []


NAMES = st.sampled_from(["a", "b", "c d"])
SCALARS = st.sampled_from(["a", "b", 1, 2.5, True, None, {"k": 1}])
TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "null", "object", "array", "any", "STRING"]
)
TARGETS = st.sampled_from(
    ["#", "#/$defs/a", "#/$defs/b", "#/definitions/a", "#/properties/a", "#/properties/a/items", "#x", "y"]
)
ODD: st.SearchStrategy[Any] = st.sampled_from([True, False, None, "string", 3, float("nan"), [], {}])


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = inner | ODD
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True) | ODD,
            "properties": st.dictionaries(NAMES, some, max_size=3) | ODD,
            "required": st.lists(NAMES, max_size=2) | st.booleans(),
            "additionalProperties": some,
            "patternProperties": st.dictionaries(st.just("^x"), some, max_size=1),
            "items": some | st.lists(some, max_size=2),
            "prefixItems": st.lists(some, min_size=1, max_size=2),
            "anyOf": st.lists(some, min_size=1, max_size=2) | ODD,
            "oneOf": st.lists(some, min_size=1, max_size=2),
            "allOf": st.lists(some, min_size=1, max_size=3),
            "not": some,
            "if": some,
            "enum": st.lists(SCALARS, max_size=3),
            "const": SCALARS,
            "default": SCALARS,
            "$ref": TARGETS,
            "$defs": st.dictionaries(st.sampled_from(["a", "b"]), some, max_size=2),
            "definitions": st.dictionaries(st.just("a"), some, max_size=1),
            "nullable": st.booleans(),
            "pattern": st.sampled_from(["^a$", "(?=x)", r"(a)\1", "["]),
            "format": st.sampled_from(["date", "phone"]),
            "minimum": st.sampled_from([1, "1", None, float("inf")]),
            "exclusiveMinimum": st.sampled_from([True, 2]),
            "minItems": st.sampled_from([0, 2, -1]),
            "dependencies": st.dictionaries(st.just("a"), st.just(["b"]) | some, max_size=1),
            "$anchor": st.just("x"),
            "description": st.just("D") | ODD,
        },
    )


SCHEMAS = grown(st.recursive(ODD, grown, max_leaves=6))


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize(("dialect", "rules"), RULES)
@given(schema=SCHEMAS)
@settings(max_examples=30, deadline=None)
def test_no_schema_is_sent_that_the_vendor_is_known_to_refuse(
    dialect: Dialect, rules: vendor.Rules, answer: bool, schema: dict[str, Any]
) -> None:
    found = rewrite(schema, dialect, answer=answer)
    if found.objections or found.unsendable or (answer and dialect is ANTHROPIC):
        return
    root = rules._replace(object_root=dialect.object_answers or not answer)
    assert vendor.refusals(found.schema, root) == []


@given(schema=SCHEMAS)
@settings(max_examples=40, deadline=None)
def test_ollama_reads_the_parameters_of_any_tool(schema: dict[str, Any]) -> None:
    found = rewrite(schema, OLLAMA_TOOL).schema
    Tool.model_validate({"type": "function", "function": {"name": "f", "parameters": found}})
    assert '"$ref"' not in json.dumps(found)


@given(schema=SCHEMAS)
@settings(max_examples=40, deadline=None)
def test_a_schema_rewritten_twice_is_the_same(schema: dict[str, Any]) -> None:
    assume(schema.get("$ref") != "#")  # whose words are moved into the description again and again
    once = bytes(rewrite(schema, OPENAI).json)
    assert json.loads(bytes(rewrite(json.loads(once), OPENAI).json)) == json.loads(once)


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
WELL_FORMED = st.sampled_from(
    [
        around(schema)
        for schema in (
            REF,
            {"allOf": [REF, {"required": ["x"]}]},
            {"oneOf": [REF, {"type": "string"}]},
            {"enum": ["a", 1]},
            {"const": "a"},
            {"type": ["string", "null"], "enum": ["a", "b", None]},
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
            {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
        )
    ]
)


@pytest.mark.parametrize("dialect", [OPENAI_STRICT, ANTHROPIC_STRICT, GEMINI, OLLAMA_FORMAT])
@given(schema=WELL_FORMED, value=VALUES)
@settings(max_examples=30, deadline=None)
def test_every_right_answer_may_still_be_given(dialect: Dialect, schema: dict[str, Any], value: Any) -> None:
    answer = {"a": value}
    if Draft202012Validator(schema).is_valid(answer):
        assert Draft202012Validator(rewrite(schema, dialect).schema).is_valid(answer)
