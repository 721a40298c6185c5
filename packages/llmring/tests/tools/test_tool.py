"""Functions as tools: schema, arguments, results."""

import dataclasses
import functools
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest
from llmring.tools import Tool, tool
from llmring.tools._tool import result_content
from llmring_types.exceptions import ValidationError


def weather(city: str, days: int = 1, unit: Literal["C", "F"] = "C") -> str:
    """Report the weather.

    Use it for any place on earth.

    Args:
        city: name of the city,
            in English.
        days: days to look ahead.

    Returns:
        a sentence.
    """
    return f"{city} {days} {unit}"


class Place(msgspec.Struct):
    name: str
    country: str = "FR"


@dataclasses.dataclass
class Point:
    x: float
    y: float


class City(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=2)


def test_types_and_docstring_make_the_schema() -> None:
    made = tool(weather)
    assert (made.name, made.description) == (
        "weather",
        "Report the weather.\n\nUse it for any place on earth.",
    )
    properties = made.parameters["properties"]
    assert made.parameters["type"] == "object"
    assert made.parameters["required"] == ["city"]
    assert properties["city"] == {"type": "string", "description": "name of the city,\nin English."}
    assert properties["days"]["description"] == "days to look ahead."
    assert properties["unit"]["enum"] == ["C", "F"]
    assert made.spec()["function"]["name"] == "weather"


async def test_arguments_are_read_and_defaults_kept() -> None:
    assert await tool(weather).call('{"city": "Paris", "unit": "F"}') == "Paris 1 F"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "city"),
        ("{", "the text of the arguments is not JSON"),
        ('{"city": 3}', r"\$\.city"),
        ('{"city": "x", "unit": "K"}', r"\$\.unit"),
        ('{"city"', "JSON"),
        ("[]", "object"),
    ],
)
async def test_wrong_arguments_are_explained(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        await tool(weather).call(text)


async def test_types_of_msgspec_dataclasses_and_pydantic_arrive_as_instances() -> None:
    def msgspecs(place: Place, points: list[Point]) -> Any:
        return place, points

    def pydantics(city: City, n: Annotated[int, pydantic.Field(ge=1, description="how many")] = 2) -> Any:
        return city, n

    assert await tool(msgspecs).call('{"place": {"name": "a"}, "points": [{"x": 1, "y": 2}]}') == (
        Place("a"),
        [Point(1, 2)],
    )
    assert await tool(pydantics).call('{"city": {"name": "ab"}}') == (City(name="ab"), 2)
    assert tool(pydantics).parameters["properties"]["n"]["description"] == "how many"
    with pytest.raises(ValueError, match=r"\$\.city\.name"):
        await tool(pydantics).call('{"city": {"name": "a"}}')


async def test_mutable_defaults_are_not_shared_with_the_schema() -> None:
    def collect(items: list[int] = []) -> list[int]:  # noqa: B006 - users write that
        return items

    assert await tool(collect).call("") == []


def test_annotated_texts_describe_and_come_before_the_docstring() -> None:
    def add(a: Annotated[int, "the first"], b: Annotated[int, msgspec.Meta(ge=0)]) -> int:
        """Add.

        :param a: ignored
        :param b: the second
        """
        return a + b

    assert tool(add).parameters["properties"] == {
        "a": {"type": "integer", "description": "the first"},
        "b": {"type": "integer", "minimum": 0, "description": "the second"},
    }


class Bank:
    def balance(self, account: str) -> dict[str, str]:
        """Look up the balance."""
        return {account: "10"}

    async def __call__(self, account: str) -> str:
        """Close the account."""
        return account


async def test_methods_partials_and_callable_objects_are_tools() -> None:
    method = tool(Bank().balance)
    assert list(method.parameters["properties"]) == ["account"]
    assert await method.call('{"account": "a"}') == {"a": "10"}
    called = tool(Bank(), name="close")
    assert await called.call('{"account": "a"}') == "a"
    half = tool(functools.partial(weather, unit="F"), name="weather_in_f")
    assert await half.call('{"city": "Rome"}') == "Rome 1 F"


async def test_a_function_without_arguments_takes_none() -> None:
    async def now() -> str:
        return "noon"

    made = tool(now, description="Tell the time.")
    assert made.description == "Tell the time."
    assert made.parameters["properties"] == {}
    assert await made.call("") == "noon"


def positional(a: int, /) -> int:
    return a


def stars(*a: int) -> None: ...


def unknown(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def object_of(a: complex) -> None: ...


@pytest.mark.parametrize("function", [positional, stars, unknown, object_of, lambda: 1])
def test_functions_that_no_model_can_call_are_refused(function: Any) -> None:
    with pytest.raises(ValidationError):
        tool(function)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        (None, "null"),
        ({"a": 1}, '{"a":1}'),
        ([], "[]"),
        (Place("a"), '{"name":"a","country":"FR"}'),
        (City(name="ab"), '{"name":"ab"}'),
        ([City(name="ab")], '[{"name":"ab"}]'),
        ([{"type": "text", "text": "a"}], [{"type": "text", "text": "a"}]),
    ],
)
def test_results_become_content(value: object, content: object) -> None:
    assert result_content(value) == content


def test_a_result_that_json_cannot_carry_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        result_content(object())


def test_a_tool_may_be_made_by_hand() -> None:
    async def call(text: str) -> str:
        return text

    made = Tool(name="echo", description="", parameters={"type": "object"}, call=call)
    assert made.spec()["function"]["parameters"] == {"type": "object"}
