"""JSON answers: what is asked for, and what is made of the text that comes."""

import copy
import dataclasses
import decimal
import enum
import json
import sys
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema
import msgspec
import pydantic
import pydantic.dataclasses
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.structured import Expectation, finish, prepare
from llmring_providers import Adapter, ChatCall
from llmring_providers.openai.provider import OpenAIAdapter, ResponsesAdapter
from llmring_types import FinishReason, LLMRequest, LLMResponse, Message, ModelRef, tool_call
from llmring_types.exceptions import LLMRingError, StructuredOutputError, ValidationError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct):
    """A place."""

    x: int
    y: int = 0


class Shape(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, description="What it is called")]
    colour: Colour
    points: list[Point]
    centre: Annotated[Point, msgspec.Meta(description="The middle")]
    size: tuple[int, float] | None = None
    kind: Literal["a", "b"] = "a"


class Tree(msgspec.Struct):
    value: int
    children: list["Tree"] = []


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    name: str


class Pets(msgspec.Struct):
    pets: list[Cat | Dog]


class Positive(msgspec.Struct):
    n: Annotated[int, msgspec.Meta(ge=1)]


@dataclasses.dataclass
class City:
    name: str
    people: int | None = None


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Said(msgspec.Struct):
    s: str


class User(pydantic.BaseModel):
    """Somebody."""

    name: str = pydantic.Field(min_length=1, description="Full name")
    age: int = 0
    friends: list["User"] = []


class Square(pydantic.BaseModel):
    kind: Literal["square"]
    side: float


class Circle(pydantic.BaseModel):
    kind: Literal["circle"]
    radius: float


class Drawing(pydantic.BaseModel):
    shape: Annotated[Square | Circle, pydantic.Field(discriminator="kind")]
    owner: User = pydantic.Field(description="Who drew it")


@pydantic.dataclasses.dataclass
class Even:
    n: int

    @pydantic.field_validator("n")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd")
        return value


@dataclasses.dataclass
class Mixed:
    user: User


class Opaque:
    """JSON has no place for it."""


@dataclasses.dataclass
class HoldsOpaque:
    what: Opaque


class Formats(msgspec.Struct):
    key: uuid.UUID
    price: decimal.Decimal


def ask(response_format: Any = None, **fields: Any) -> LLMRequest:
    return LLMRequest([Message(role="user", content="Hi")], response_format=response_format, **fields)


def reply(content: str, finish_reason: FinishReason | None = "stop", **fields: Any) -> LLMResponse:
    return LLMResponse(content=content, model="openai:gpt-4o", finish_reason=finish_reason, **fields)


def finished(content: str, response_format: Any, **fields: Any) -> LLMResponse:
    """Answer a request for this format with this text."""
    _, expectation = prepare(ask(response_format))
    response = reply(content, **fields)
    finish(response, expectation)
    return response


def form_of(request: LLMRequest) -> dict[str, Any]:
    assert isinstance(request.response_format, dict)
    form: dict[str, Any] = request.response_format["json_schema"]
    return form


def schema_of(wanted: Any) -> dict[str, Any]:
    request, _ = prepare(ask(wanted))
    schema: dict[str, Any] = form_of(request)["schema"]
    return schema


def strict_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}


INTEGER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

# ---------------------------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize(
    ("wanted", "mend"),
    [
        ("json_object", r"not the text 'json_object': \{\"type\": \"json_object\"\}"),
        ({"type": "jsn_object"}, r"has no type 'jsn_object'; did you mean json_object\?"),
        ({"type": "json-schema"}, r"did you mean json_schema\?"),
    ],
)
def test_a_format_that_names_nothing_is_refused_with_the_one_that_was_meant(wanted: Any, mend: str) -> None:
    with pytest.raises(ValidationError, match=mend):
        prepare(ask(wanted))


def test_a_format_of_a_providers_own_passes() -> None:
    request = ask({"type": "grammar", "grammar": "root ::= answer"})
    assert prepare(request) == (request, None)


def test_a_request_without_a_format_is_left_alone() -> None:
    request = ask()
    assert prepare(request) == (request, None)
    assert prepare(request)[0] is request


@pytest.mark.parametrize("form", [{"type": "text"}, {"type": "grammar", "grammar": "…"}])
def test_forms_that_are_no_json_pass_through(form: dict[str, Any]) -> None:
    request = ask(form)
    assert prepare(request) == (request, None)


@pytest.mark.parametrize(
    ("form", "strict"),
    [
        ({"type": "json_object"}, False),
        ({"type": "json"}, False),
        ({"type": "json_object", "strict": True}, True),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": INTEGER}}, False),
        (strict_format(INTEGER), True),
    ],
)
def test_a_dict_in_its_usual_form_is_sent_as_it_is(form: dict[str, Any], strict: bool) -> None:
    request = ask(form)
    prepared, expectation = prepare(request)
    assert prepared is request
    assert expectation is not None
    assert expectation.strict is strict


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "strict": True, "json_schema": {"name": "x", "schema": INTEGER}},
        {"type": "json_schema", "strict": True, "name": "x", "schema": INTEGER},
        {"type": "json_schema", "name": "x", "schema": INTEGER, "strict": True},
    ],
)
def test_other_forms_are_brought_to_the_usual_one_without_changing_the_request(form: dict[str, Any]) -> None:
    request = ask(form)
    before = copy.deepcopy(request)
    prepared, expectation = prepare(request)
    assert prepared.response_format == strict_format(INTEGER)
    assert expectation is not None
    assert expectation.strict
    assert request == before
    assert prepared.messages is request.messages


def test_a_strict_inside_wins_over_one_beside() -> None:
    form = {"type": "json_schema", "strict": True, "json_schema": {"schema": INTEGER, "strict": False}}
    _, expectation = prepare(ask(form))
    assert expectation is not None
    assert not expectation.strict


@pytest.mark.parametrize(
    "form",
    [
        "json",
        5,
        {"type": "object", "properties": {}},
        {"schema": INTEGER},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"schema": {}}},
        {"type": "json_schema", "json_schema": {"schema": "x"}},
        strict_format({"type": "no such type"}),
        strict_format({"type": {1, 2}}),
        strict_format({"enum": object()}),
        strict_format({"$schema": "http://["}),
        strict_format({"$schema": 5}),
        object,
        lambda: None,
        HoldsOpaque,
        Annotated[int, []],
    ],
)
def test_what_nobody_can_send_is_told_before_the_call(form: Any) -> None:
    with pytest.raises(ValidationError, match="response_format") as caught:
        prepare(ask(form))
    assert caught.value.field == "response_format"


# ---------------------------------------------------------------------------------------------- types


TYPED = [
    pytest.param(Point, '{"x":1,"y":2}', Point(1, 2), id="Struct"),
    pytest.param(City, '{"name":"Rome","people":null}', City("Rome"), id="dataclass"),
    pytest.param(Movie, '{"title":"M","year":1931}', {"title": "M", "year": 1931}, id="TypedDict"),
    pytest.param(
        User,
        '{"name":"A","age":1,"friends":[{"name":"B","age":2,"friends":[]}]}',
        User(name="A", age=1, friends=[User(name="B", age=2)]),
        id="pydantic model",
    ),
    pytest.param(Even, '{"n":2}', Even(2), id="pydantic dataclass"),
    pytest.param(
        Mixed,
        '{"user":{"name":"A","age":1,"friends":[]}}',
        Mixed(User(name="A", age=1)),
        id="dataclass with a model",
    ),
    pytest.param(
        Tree,
        '{"value":1,"children":[{"value":2,"children":[]}]}',
        Tree(1, [Tree(2)]),
        id="recursive",
    ),
    pytest.param(
        Pets,
        '{"pets":[{"type":"Dog","name":"Rex"},{"type":"Cat","lives":9}]}',
        Pets([Dog("Rex"), Cat(9)]),
        id="tagged union",
    ),
    pytest.param(list[Point], '{"value":[{"x":1,"y":2}]}', [Point(1, 2)], id="list"),
    pytest.param(Cat | Dog, '{"value":{"type":"Cat","lives":9}}', Cat(9), id="union"),
    pytest.param(
        list[User],
        '{"value":[{"name":"A","age":1,"friends":[]}]}',
        [User(name="A", age=1)],
        id="list of models",
    ),
    pytest.param(int, '{"value":3}', 3, id="number"),
    pytest.param(dict[str, int], '{"a":1}', {"a": 1}, id="map"),
    pytest.param(Annotated[Point, msgspec.Meta(description="Here")], '{"x":1,"y":2}', Point(1, 2), id="Annotated"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "text", "expected"), TYPED)
def test_an_answer_becomes_an_instance(wanted: Any, text: str, expected: object) -> None:
    assert finished(text, wanted).parsed == expected


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        (list[Point], '[{"x":1,"y":2}]', [Point(1, 2)]),
        (Cat | Dog, '{"type":"Cat","lives":9}', Cat(9)),
        (list[User], ' [{"name":"A","age":1,"friends":[]}]', [User(name="A", age=1)]),
        (int, "3", 3),
    ],
)
def test_what_is_no_object_may_come_without_the_property_around_it(
    wanted: Any, text: str, expected: object
) -> None:
    assert finished(text, wanted).parsed == expected


ARRAY: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
NOT_OBJECTS = [
    (ARRAY, "[1]", [1]),
    (ARRAY, '{"value":[1]}', [1]),
    ({"$ref": "#/$defs/a", "$defs": {"a": ARRAY}}, '{"value":[1]}', [1]),
    ({"anyOf": [ARRAY, {"type": "null"}]}, '{"value":null}', None),
    ({"type": "object"}, '{"value":[1]}', {"value": [1]}),
    ({"properties": {"value": ARRAY}}, '{"value":[1]}', {"value": [1]}),
    ({"$ref": "#/$defs/o", "$defs": {"o": {"type": "object"}}}, '{"value":[1]}', {"value": [1]}),
    ({"title": "anything"}, '{"value":[1]}', {"value": [1]}),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("schema", "text", "expected"), NOT_OBJECTS)
def test_an_array_may_come_as_the_only_property_of_an_object(
    schema: dict[str, Any], text: str, expected: object, strict: bool
) -> None:
    """OpenAI takes no schema that is of anything but an object."""
    form = {"type": "json_schema", "json_schema": {"schema": schema, "strict": strict}}
    response = finished(text, form)
    assert response.parsed == expected
    assert response.warnings == []


@pytest.mark.parametrize("text", ['["one"]', '{"value":["one"]}', '{"value":[1],"more":1}'])
def test_an_array_that_breaks_its_schema_is_an_error_wherever_it_stands(text: str) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": ARRAY, "strict": True}}
    with pytest.raises(StructuredOutputError, match="breaks its schema"):
        finished(text, form)


@pytest.mark.parametrize(("wanted", "text"), [row.values[:2] for row in TYPED])
def test_the_schema_of_a_type_takes_its_answers(wanted: Any, text: str) -> None:
    schema = schema_of(wanted)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(text), schema)


def breaches_of_strict_mode(schema: Any, *, root: bool = True) -> list[str]:
    """Check by OpenAI's list of what strict mode takes."""
    if root and (schema.get("type") != "object" or "anyOf" in schema):
        return ["the root is not an object"]
    found = []
    known = {"type", "description", "title", "enum", "const", "pattern", "format", "multipleOf", "minimum",
             "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "properties", "required",
             "additionalProperties", "items", "anyOf", "$ref", "$defs"}  # fmt: skip
    found += [f"unknown {name}" for name in schema.keys() - known]
    if "$ref" in schema and len(schema) > 1:
        found.append("something beside $ref")
    if not {"type", "anyOf", "$ref"} & schema.keys():
        found.append("no type")
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            found.append("open")
        if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
            found.append("optional properties")
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        found.append("no items")
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
        *schema.get("anyOf", []),
    ]
    if isinstance(schema.get("items"), dict):
        inner.append(schema["items"])
    return found + [breach for each in inner for breach in breaches_of_strict_mode(each, root=False)]


@pytest.mark.parametrize(
    "wanted", [Point, Shape, Tree, Pets, City, Movie, User, Drawing, Even, Mixed, list[Point], Cat | Dog, int, list[User]]
)  # fmt: skip
def test_the_schema_of_a_type_suits_strict_mode(wanted: Any) -> None:
    request, _ = prepare(ask(wanted))
    form = form_of(request)
    assert form["strict"] is True
    assert breaches_of_strict_mode(form["schema"]) == []


class Loose(msgspec.Struct):
    anything: Any


class Maps(msgspec.Struct):
    counts: dict[str, int]


class Bare(msgspec.Struct):
    items: list  # type: ignore[type-arg]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [(Loose, '{"anything":[1]}'), (Maps, '{"counts":{"a":1}}'), (Bare, '{"items":[1]}'), (dict, "{}")],
)
def test_what_strict_mode_cannot_say_is_checked_here(wanted: Any, text: str) -> None:
    _, expectation = prepare(ask(wanted))
    assert expectation is not None
    assert expectation.strict
    assert finished(text, wanted).parsed is not None
    with pytest.raises(StructuredOutputError):
        finished("no JSON", wanted)


@pytest.mark.parametrize("adapter", [OpenAIAdapter(), ResponsesAdapter()])
def test_a_type_that_openai_takes_only_without_strict_is_sent_so_and_the_answer_says_it(
    adapter: Adapter,
) -> None:
    sent = {}
    for wanted in (Maps, Point):
        request, _ = prepare(ask(wanted))
        wire = adapter.encode(ChatCall(request, ModelRef("openai", "gpt-4o")), stream=False)
        body = json.loads(wire.body)
        form = body["text"]["format"] if "text" in body else body["response_format"]["json_schema"]
        sent[wanted] = form["strict"], ["strict was dropped for the answer" in text for text in wire.warnings]
    assert sent == {Maps: (False, [True]), Point: (True, [])}


def test_a_schema_is_what_it_should_be() -> None:
    assert schema_of(Shape) == {
        "title": "Shape",
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What it is called {minLength: 1}"},
            "colour": {"$ref": "#/$defs/Colour"},
            "points": {"type": "array", "items": {"$ref": "#/$defs/Point"}},
            "centre": {"description": "The middle", "anyOf": [{"$ref": "#/$defs/Point"}]},
            "size": {
                "anyOf": [
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "items": {"anyOf": [{"type": "integer"}, {"type": "number"}]},
                        "description": '{prefixItems: [{"type":"integer"},{"type":"number"}]}',
                    },
                    {"type": "null"},
                ]
            },
            "kind": {"enum": ["a", "b"], "type": "string", "description": "{default: a}"},
        },
        "required": ["name", "colour", "points", "centre", "size", "kind"],
        "additionalProperties": False,
        "$defs": {
            "Colour": {"title": "Colour", "enum": ["blue", "red"], "type": "string"},
            "Point": {
                "title": "Point",
                "description": "A place.",
                "type": "object",
                "properties": {
                    "x": {"type": "integer"},
                    "y": {"type": "integer", "description": "{default: 0}"},
                },
                "required": ["x", "y"],
                "additionalProperties": False,
            },
        },
    }


def test_only_formats_that_strict_mode_knows_are_sent() -> None:
    assert schema_of(Formats)["properties"] == {
        "key": {"type": "string", "format": "uuid"},
        "price": {"type": "string", "description": "{format: decimal}"},
    }


def test_mixed_constants_have_all_their_types() -> None:
    kinds = schema_of(msgspec.defstruct("Mixed", [("kind", Literal["a", 1] | None)]))["properties"]["kind"]
    assert breaches_of_strict_mode(kinds, root=False) == []
    for value in ("a", 1, None):
        jsonschema.validate(value, kinds)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [(Point, "Point"), (list[Point], "list"), (dict[str, int], "dict"), (Cat | Dog, None)],
)
def test_the_name_has_only_letters_that_providers_take(wanted: Any, name: str | None) -> None:
    request, _ = prepare(ask(wanted))
    given_name = form_of(request)["name"]
    assert name is None or given_name == name
    assert 0 < len(given_name) <= 64
    assert given_name.replace("_", "").replace("-", "").isalnum()


def test_a_request_for_a_type_is_not_changed() -> None:
    request = ask(Point)
    prepared, _ = prepare(request)
    assert request.response_format is Point
    assert prepared is not request
    assert prepared.messages is request.messages


@pytest.mark.parametrize(
    ("wanted", "text", "path"),
    [
        (Point, '{"x":"one","y":2}', "$.x"),
        (Point, '{"y":2}', "$"),
        (list[Point], '{"value":[{"x":1},{"x":null}]}', "$.value[1].x"),
        (list[Point], '[{"x":1},{"x":null}]', "$[1].x"),
        (Positive, '{"n":0}', "$.n"),
        (User, '{"name":"A","friends":[{"name":3}]}', "$.friends[0].name"),
        (User, "[]", "$"),
        (Even, '{"n":1}', "$.n"),
    ],
)
def test_an_answer_that_is_no_instance_says_where(wanted: Any, text: str, path: str) -> None:
    with pytest.raises(StructuredOutputError, match="breaks its schema") as caught:
        finished(text, wanted)
    error = caught.value
    assert error.details["path"] == path
    assert error.details["expected"] in str(error)
    assert error.raw_text == text
    assert error.response is not None
    assert (error.provider, error.model) == ("openai", "gpt-4o")


@pytest.mark.parametrize("wanted", [Point, list[Point], User, list[User]])
@pytest.mark.parametrize("text", ["", "no JSON", '{"x":', "\ud800"])
def test_an_answer_that_is_no_json_is_told_for_every_type(wanted: Any, text: str) -> None:
    with pytest.raises(StructuredOutputError, match="is not JSON"):
        finished(text, wanted)


# ---------------------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    "form", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema": INTEGER}}]
)
@pytest.mark.parametrize("value", [{"a": [1, None]}, [1, {"b": 2}], {}, []])
def test_objects_and_arrays_are_parsed(form: dict[str, Any], value: Any) -> None:
    response = finished(json.dumps(value), form)
    assert response.parsed == value
    broken = "json_schema" in form and "n" not in value
    assert ["parsed is not as asked" in warning for warning in response.warnings] == [True] * broken


def test_json_response_alone_is_parsed_too() -> None:
    request = ask(json_response=True)
    prepared, expectation = prepare(request)
    assert prepared is request
    response = reply('{"a":1}')
    finish(response, expectation)
    assert response.parsed == {"a": 1}


def test_without_an_expectation_nothing_happens() -> None:
    response = reply('{"a":1}')
    finish(response, None)
    assert response == reply('{"a":1}')


@pytest.mark.parametrize("text", ["no JSON", "", '{"a":', "3", '"text"', "null"])
def test_not_strict_and_no_json_is_a_warning(text: str) -> None:
    response = finished(text, {"type": "json_object"})
    assert response.parsed is None
    (warning,) = response.warnings
    assert "JSON" in warning
    assert response.content == text


def test_strict_and_no_json_is_an_error() -> None:
    with pytest.raises(StructuredOutputError, match="is not JSON") as caught:
        finished("Sorry, no.", strict_format(INTEGER))
    assert caught.value.raw_text == "Sorry, no."
    assert not caught.value.retryable


def test_a_schema_may_ask_for_a_plain_value() -> None:
    assert finished("3", strict_format({"type": "integer"})).parsed == 3


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ('{"n":"one"}', "$.n", "'one' is not of type 'integer'"),
        ("{}", "$", "'n' is a required property"),
        ("[1]", "$", "[1] is not of type 'object'"),
    ],
)
def test_strict_and_another_shape_is_an_error_that_says_where(text: str, path: str, expected: str) -> None:
    with pytest.raises(StructuredOutputError) as caught:
        finished(text, strict_format(INTEGER))
    assert caught.value.details == {"path": path, "expected": expected}
    assert caught.value.raw_text == text


def test_a_long_answer_is_not_repeated_in_the_message() -> None:
    with pytest.raises(StructuredOutputError) as caught:
        finished(json.dumps({"n": "x" * 10_000}), strict_format(INTEGER))
    assert len(str(caught.value)) < 500


def test_not_strict_is_not_validated() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": INTEGER}}
    assert finished('{"n":"one"}', form).parsed == {"n": "one"}


def test_references_within_the_schema_work() -> None:
    schema = {"$ref": "#/$defs/N", "$defs": {"N": INTEGER}}
    assert finished('{"n":1}', strict_format(schema)).parsed == {"n": 1}
    with pytest.raises(StructuredOutputError):
        finished('{"n":""}', strict_format(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/Nowhere"},
        {"$ref": "#"},
        {"$id": "http://[", "$ref": "x"},
        {"properties": {"n": {"pattern": "("}}},
    ],
)
def test_a_schema_that_only_fails_in_use_is_told_as_such(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="response_format"):
        finished('{"n":"x"}', strict_format(schema))


@pytest.mark.parametrize(
    "response",
    [
        reply("", "tool_calls", tool_calls=[tool_call("x", "f", "{}")]),
        reply("Let me look.", "stop", tool_calls=[tool_call("x", "f", "{}")]),
        reply("I can't.", "content_filter", refusal="I can't."),
        reply("", "content_filter"),
        reply("Half of", "other"),
    ],
    ids=["calls", "text and calls", "refusal", "filter", "pause"],
)
def test_what_is_not_meant_to_be_the_json_is_left_alone(response: LLMResponse) -> None:
    before = copy.deepcopy(response)
    _, expectation = prepare(ask(strict_format(INTEGER)))
    finish(response, expectation)
    assert response == before


def test_a_strict_answer_that_was_cut_says_so() -> None:
    with pytest.raises(StructuredOutputError, match=r"cut by the token limit \(raise max_tokens\)"):
        finished('{"n": 1', strict_format(INTEGER), finish_reason="length")


def test_an_answer_that_was_cut_is_a_warning_where_it_is_not_strict() -> None:
    (warning,) = finished('{"n": 1', {"type": "json_object"}, finish_reason="length").warnings
    assert "cut by the token limit" in warning


def test_an_answer_that_was_whole_when_it_was_cut_is_taken() -> None:
    assert finished('{"n": 1}\n\n', strict_format(INTEGER), finish_reason="length").parsed == {"n": 1}


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"n":1}\n```',
        '```\n{"n":1}\n```\n',
        ' ```JSON\r\n{"n":1}```',
        '```json  \n{\n"n": 1\n}\n\n```',
    ],
)
def test_one_code_fence_around_the_whole_answer_is_overlooked(text: str) -> None:
    response = finished(text, strict_format(INTEGER))
    assert response.parsed == {"n": 1}
    assert response.content == text


WRAPPED = [
    'Here:\n```json\n{"n":1}\n```',
    '```json\n{"n":1}\n```\nHope it helps!',
    '```json\n{"n":1}',
    '```python\n{"n":1}\n```',
    '<think>\nPerhaps {"n": 2}?\n</think>\n\n{"n": 1}',
    'Let me see.</think>```json\n{"n": 1}\n```',
    'The answer is {"n": 1}.',
]


@pytest.mark.parametrize("text", WRAPPED)
def test_json_within_other_text_is_read_with_a_warning(text: str) -> None:
    response = finished(text, strict_format(INTEGER))
    assert response.parsed == {"n": 1}
    assert response.content == text
    assert response.warnings == ["parsed was read from JSON within other text"]


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1}{"n": 1}',
        '{"n": 1}\n{\n  "n": 1\n}\n',
        '<think>{"n": 2}</think>{"n":1}\n{"n":1}\n{"n":1}',
        '```json\n{"n": 1}\n```\n```json\n{"n": 1}\n```',
    ],
)
def test_the_same_json_more_than_once_is_read_with_a_warning(text: str) -> None:
    response = finished(text, strict_format(INTEGER))
    assert response.parsed == {"n": 1}
    assert response.warnings == ["parsed was read from JSON that the answer repeats"]


@pytest.mark.parametrize("text", ['{"s": "%s"}', 'Here: {"s": "%s"}.', '```json\n{\n"s": "%s"\n}\n```'])
@pytest.mark.parametrize("written", ["a\nb", "a\tb", "a\r\nb", 'a\\"\n{\\"b'])
@pytest.mark.parametrize("wanted", [strict_format({"type": "object"}), {"type": "json_object"}, Said])
def test_raw_control_characters_in_strings_are_read_with_a_warning(
    text: str, written: str, wanted: Any
) -> None:
    response = finished(text % written, wanted)
    parsed = response.parsed
    assert (parsed.s if isinstance(parsed, Said) else parsed["s"]) == written.replace('\\"', '"')
    assert response.warnings == [
        "parsed was read from JSON with raw control characters, such as line breaks, in its strings"
    ]


def test_a_long_text_of_quotes_that_never_end_is_soon_refused() -> None:
    with pytest.raises(StructuredOutputError, match="is not JSON"):
        finished('{"' + '\\"\n' * 200_000, strict_format(INTEGER))


@pytest.mark.parametrize(
    "text",
    [
        'Either {"n": 1} or {"n": 2}.',
        '{"n": 1}{"n": true}',
        "<think>{}</think>",
        "```json\n1\n```\n```json\n2\n```",
        "n is 1",
    ],
)
def test_text_without_one_json_value_is_wrong(text: str) -> None:
    with pytest.raises(StructuredOutputError, match="is not JSON"):
        finished(text, strict_format(INTEGER))


def test_wrapped_json_that_breaks_the_schema_is_wrong_at_its_own_place() -> None:
    with pytest.raises(StructuredOutputError, match=r"breaks its schema at \$\.n"):
        finished('<think>?</think>{"n": "one"}', strict_format(INTEGER))


def test_a_cut_answer_is_never_searched_for_a_piece_that_is_whole() -> None:
    with pytest.raises(StructuredOutputError, match="cut by the token limit"):
        finished('[{"n": 1}, {"n":', strict_format(INTEGER), finish_reason="length")


def test_a_fence_within_a_text_is_text() -> None:
    value = {"code": "```\n1\n```"}
    assert finished(json.dumps(value), {"type": "json_object"}).parsed == value
    assert finished(f"```json\n{json.dumps(value)}\n```", {"type": "json_object"}).parsed == value


def test_a_validator_is_made_once_for_equal_schemas() -> None:
    from llmring.structured._reading import _validator

    schema = {"type": "object", "title": "made once"}
    prepare(ask(strict_format(schema)))
    before = _validator.cache_info()
    prepare(ask(strict_format(dict(schema))))
    after = _validator.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)


def test_pydantic_and_jsonschema_are_only_loaded_when_needed() -> None:
    code = """
import sys
import uuid
from llmring.structured import finish, prepare
from llmring_types import LLMRequest, LLMResponse, Message
import msgspec
class Point(msgspec.Struct):
    x: int
for form in (Point, {"type": "json_object"}):
    _, expected = prepare(LLMRequest([Message(role="user", content="x")], response_format=form))
    finish(LLMResponse(content='{"x":1}', model="a:b"), expected)
assert not {"pydantic", "jsonschema", "referencing"} & set(sys.modules)
"""
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------------------------------------- properties

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
CONTAINER = st.lists(JSON, max_size=4) | st.dictionaries(st.text(), JSON, max_size=4)
ANY_EXPECTATION = st.sampled_from(
    [{"type": "json_object"}, strict_format(INTEGER), {"type": "json_schema", "json_schema": {"schema": INTEGER}},
     Point, list[Point], User, Cat | Dog]
)  # fmt: skip


@given(CONTAINER, st.sampled_from(["{}", "```json\n{}\n```", " \n{}\n"]))
def test_any_json_that_comes_is_what_is_parsed(value: object, wrapping: str) -> None:
    text = wrapping.replace("{}", json.dumps(value))
    assert finished(text, {"type": "json_object"}).parsed == value


@given(st.text() | JSON.map(json.dumps), ANY_EXPECTATION, st.sampled_from(["stop", "length", None]))
def test_any_text_is_parsed_or_told(text: str, form: Any, word: FinishReason | None) -> None:
    try:
        response = finished(text, form, finish_reason=word)
    except StructuredOutputError as error:
        assert error.raw_text == text  # noqa: PT017
        return
    assert (response.parsed is None) <= (bool(response.warnings) or text.strip() == "null")


@given(
    st.dictionaries(
        st.sampled_from(
            ["type", "properties", "$ref", "pattern", "items", "enum", "anyOf", "$id", "$schema"]
        ),
        JSON,
    )
)
def test_any_schema_is_usable_or_told(schema: dict[str, Any]) -> None:
    try:
        finished('{"n":["x"]}', strict_format(schema))
    except LLMRingError:
        return


FIELD_TYPES = st.recursive(
    st.sampled_from([int, str, bool, float, type(None), Colour, Point, City, Literal["a", "b"], Tree]),
    lambda inner: inner.map(lambda each: list[each]) | st.tuples(inner, inner).map(lambda pair: tuple[pair]),  # type: ignore[valid-type]
    max_leaves=3,
)  # fmt: skip
STRUCTS = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), FIELD_TYPES, min_size=1, max_size=4).map(
    lambda fields: msgspec.defstruct("Generated", [(f"f_{name}", kind) for name, kind in fields.items()])
)  # fmt: skip


@given(STRUCTS)
def test_the_schema_of_any_struct_suits_strict_mode(struct: type[msgspec.Struct]) -> None:
    assert breaches_of_strict_mode(schema_of(struct)) == []


@given(st.builds(Shape, name=st.text(min_size=1), colour=st.sampled_from(Colour), points=st.lists(st.builds(Point, x=st.integers(), y=st.integers())),
                 centre=st.builds(Point, x=st.integers()), size=st.none() | st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
                 kind=st.sampled_from(["a", "b"])))  # fmt: skip
def test_an_instance_comes_back_from_its_json(shape: Shape) -> None:
    text = msgspec.json.encode(shape).decode()
    assert finished(text, Shape).parsed == shape
    jsonschema.validate(json.loads(text), schema_of(Shape))


def test_the_api_is_small() -> None:
    assert Expectation._fields == ("strict", "read", "validates")


@pytest.mark.parametrize(
    ("schema", "warned"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, False),
        ({"type": "object", "properties": {"a": {"type": "any"}}}, False),
    ],
    ids=["broken", "kept", "no schema itself"],
)
def test_an_answer_that_is_not_held_to_its_schema_is_validated_all_the_same(
    schema: dict[str, Any], warned: bool
) -> None:
    response = finished('{"a":"x"}', {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
    assert response.parsed == {"a": "x"}
    assert ["parsed is not as asked" in warning for warning in response.warnings] == [True] * warned
