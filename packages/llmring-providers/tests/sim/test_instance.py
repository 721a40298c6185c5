"""Instances of JSON schemas: valid by a validator that knows nothing of how they were made."""

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from llmring_providers.sim.instance import instance
from llmring_providers.sim.prompt import UnreadablePromptError
from pydantic import BaseModel, Field

_NAMES = st.sampled_from(["city", "days", "unit", "a/b~c", "naïve"])


def _bounds(*, whole: bool) -> st.SearchStrategy[dict[str, Any]]:
    numbers: st.SearchStrategy[float] = st.integers(-50, 50)
    if not whole:
        numbers = st.one_of(numbers, st.sampled_from([-0.5, 0.25, 2.75]))
    low = st.fixed_dictionaries({}, optional={"minimum": numbers})
    above = st.fixed_dictionaries({}, optional={"exclusiveMinimum": numbers})
    span = st.integers(2, 9)

    def close(found: tuple[dict[str, Any], dict[str, Any], int, str | None]) -> dict[str, Any]:
        least, over, width, key = found
        highest = max([*least.values(), *over.values()], default=-3)
        return least | over | ({key: highest + width} if key else {})

    keys = st.sampled_from([None, "maximum", "exclusiveMaximum"])
    return st.tuples(low, above, span, keys).map(close)


_LEAVES = st.one_of(
    st.just({"type": "string"}),
    st.integers(0, 9).map(lambda least: {"type": "string", "minLength": least, "maxLength": least + 2}),
    st.sampled_from(["date", "date-time", "email", "ipv4", "ipv6", "uuid", "uri", "hostname"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    _bounds(whole=True).map(lambda bounds: {"type": "integer", **bounds}),
    _bounds(whole=False).map(lambda bounds: {"type": "number", **bounds}),
    st.integers(1, 7).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": 3}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True, {"const": [1, {"x": None}]}]),
    st.lists(st.one_of(st.none(), st.integers(), st.text()), min_size=1).map(lambda values: {"enum": values}),
    st.permutations(["null", "integer", "string"]).map(lambda kinds: {"type": list(kinds)}),
)


def _object(properties: dict[str, Any], required: set[str], least: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(required & properties.keys()),
        "minProperties": least,
    }


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(_object, st.dictionaries(_NAMES, inner), st.sets(_NAMES), st.integers(0, 3)),
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least},
            inner,
            st.integers(0, 3),
        ),
        st.builds(
            lambda first: {"type": "array", "prefixItems": first, "minItems": len(first)}, st.lists(inner)
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        st.builds(
            lambda one, other: {
                "allOf": [{"properties": {"one": one}, "required": ["one"]}],
                "properties": {"two": other},
                "required": ["two"],
            },
            inner,
            inner,
        ),
        inner.map(lambda schema: {"$defs": {"a/b": schema}, "allOf": [True, schema]}),
    )


_SCHEMAS = st.recursive(_LEAVES, _grown, max_leaves=12)


@given(_SCHEMAS)
def test_an_instance_is_valid(schema: Any) -> None:
    root = {"$defs": {"it": schema}, "$ref": "#/$defs/it"}
    made = instance(root)

    Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(made)
    assert instance(root) == made


class _Unit(Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class _Place(BaseModel):
    city: str
    country: str | None = None
    unit: _Unit


class _Tree(BaseModel):
    value: int
    left: "_Tree | None" = None
    children: list["_Tree"]


class _Report(BaseModel):
    kind: Literal["report"]
    places: Annotated[list[_Place], Field(min_length=2)]
    score: Annotated[float, Field(gt=0, lt=1)]
    where: _Place | list[_Place]
    tags: dict[str, int]


@pytest.mark.parametrize("model", [_Place, _Tree, _Report])
def test_the_schemas_of_pydantic_models_are_met(model: type[BaseModel]) -> None:
    model.model_validate(instance(model.model_json_schema()))


def test_what_is_optional_is_left_out_and_strings_say_their_name() -> None:
    assert instance(_Place.model_json_schema()) == {"city": "city", "unit": "celsius"}


@pytest.mark.parametrize("item", [{"type": "string", "maxLength": 3}, {"type": "integer", "maximum": 0}])
def test_the_items_of_an_array_differ(item: dict[str, Any]) -> None:
    schema = {"type": "array", "items": item, "minItems": 5, "uniqueItems": True}

    Draft202012Validator(schema).validate(instance(schema))


def test_types_in_capitals_are_geminis() -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}

    assert instance(schema) == {"n": 0}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"$ref": "#"},
        {"$ref": "#/$defs/absent"},
        {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]},
        {"anyOf": [{"properties": {name: {"$ref": "#"}}, "required": [name]} for name in "abc"]},
        {"type": "array", "minItems": 10**9},
        {"type": "object", "minProperties": 10**9, "additionalProperties": False},
        {"type": "object", "properties": ["a"], "required": ["a"]},
        {"type": "integer", "minimum": "three"},
        {"enum": 5},
        {"anyOf": [False]},
    ],
)
def test_a_schema_that_cannot_be_met_is_refused_at_once(schema: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePromptError, match="JSON schema"):
        instance(schema)
