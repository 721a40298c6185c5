"""Regular expressions of schemas, which a hostile or unlucky answer must not turn into a standstill."""

import json
import re
import time
from typing import Annotated, Any

import anyio
import msgspec
import pydantic
import pytest
from llmring import LLMRing, Policy, RetryPolicy
from llmring.structured import finish, prepare
from llmring.testing import FakeProvider
from llmring.tools import tool
from llmring_types import LLMRequest, LLMResponse, Message
from llmring_types.exceptions import ProviderTimeoutError, StructuredOutputError, ValidationError

SLOW = r"^(a|aa)+$"
"""It takes ``re`` minutes for 40 letters that do not match, and ``regex`` too."""


class Coded(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=SLOW)]


class Backtracking(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(regex_engine="python-re")
    code: Annotated[str, pydantic.Field(pattern=SLOW)]
    number: int = 0


class Compiled(pydantic.BaseModel):
    code: Annotated[str, pydantic.Field(pattern=re.compile(SLOW))]
    number: int = 0


class Linear(pydantic.BaseModel):
    """Pydantic's own engine takes no time for it."""

    code: Annotated[str, pydantic.Field(pattern=SLOW)]
    number: int = 0


SLOW_SCHEMAS: list[Any] = [
    {"properties": {"code": {"pattern": SLOW}}},
    {"properties": {"code": {"type": "string", "pattern": r"(?!.*b)" + SLOW}}},
    {"patternProperties": {SLOW: {"type": "string"}}},
    {"patternProperties": {SLOW: True}, "additionalProperties": False},
    {"additionalProperties": False, "patternProperties": {SLOW: True}},
    {"propertyNames": {"pattern": SLOW}},
]


@pytest.mark.parametrize("schema", SLOW_SCHEMAS)
def test_a_pattern_that_takes_exponential_time_holds_nobody(schema: dict[str, Any]) -> None:
    letters = "a" * 60 + "!"
    answer = json.dumps({"code": letters} if "properties" in schema else {letters: "x"})
    began = time.thread_time()
    with pytest.raises(
        StructuredOutputError, match=r"could not be checked: the pattern .* took longer than 0\.1 s"
    ):
        read(answer, schema)
    assert time.thread_time() - began < 2


@pytest.mark.parametrize("kind", [Coded, Backtracking, Compiled])
def test_patterns_of_a_type_are_bounded_as_well(kind: Any) -> None:
    _, expectation = prepare(LLMRequest([Message(role="user", content="Hi")], response_format=kind))
    began = time.thread_time()
    with pytest.raises(StructuredOutputError, match="could not be checked"):
        finish(LLMResponse(content=json.dumps({"code": "a" * 60 + "!"}), model="a:b"), expectation)
    assert time.thread_time() - began < 2
    response = LLMResponse(content=json.dumps({"code": "a" * 60}), model="a:b")
    finish(response, expectation)
    assert response.parsed.code == "a" * 60


@pytest.mark.parametrize("kind", [Backtracking, Compiled, Linear])
def test_what_pydantic_takes_is_taken_and_its_own_engine_needs_no_limit(kind: Any) -> None:
    _, expectation = prepare(LLMRequest([Message(role="user", content="Hi")], response_format=kind))
    response = LLMResponse(content='{"code": "aa", "number": "1"}', model="a:b")
    finish(response, expectation)
    assert response.parsed == kind(code="aa", number=1)
    with pytest.raises(StructuredOutputError, match="should match pattern"):
        finish(LLMResponse(content='{"code": "ab"}', model="a:b"), expectation)
    if kind is Linear:
        with pytest.raises(StructuredOutputError, match="should match pattern"):
            finish(LLMResponse(content=json.dumps({"code": "a" * 60 + "!"}), model="a:b"), expectation)


@pytest.mark.parametrize("kind", [Annotated[str, msgspec.Meta(pattern=SLOW)], Backtracking])
async def test_patterns_of_the_arguments_of_a_tool_are_bounded_as_well(kind: Any) -> None:
    def look_up(code: Any) -> Any:
        return code

    look_up.__annotations__["code"] = kind
    slow: Any = "a" * 60 + "!"
    began = time.thread_time()
    with pytest.raises(ValueError, match="could not be checked"):
        await tool(look_up).call(json.dumps({"code": {"code": slow} if kind is Backtracking else slow}))
    assert time.thread_time() - began < 2


KEPT = {"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": {"type": "string"}}


@pytest.mark.parametrize(
    ("answer", "schema", "path"),
    [
        ({"a": "été"}, {"properties": {"a": {"pattern": r"^\w+$"}}}, None),
        ({"a": "12"}, {"properties": {"a": {"pattern": r"^(?!12)"}}}, "$.a"),
        ({"x-a": 1, "b": "c"}, KEPT, None),
        ({"x-a": "1", "b": "c"}, KEPT, "$.x-a"),
        ({"x-a": 1, "b": 2}, KEPT, "$.b"),
    ],
)
def test_patterns_match_as_they_did(answer: object, schema: dict[str, Any], path: str | None) -> None:
    if path is None:
        assert read(json.dumps(answer), schema) == answer
        return
    with pytest.raises(StructuredOutputError) as caught:
        read(json.dumps(answer), schema)
    assert caught.value.details["path"] in (path, "$['x-a']")


def test_patterns_that_cannot_be_bounded_are_refused() -> None:
    schema = {"patternProperties": {"^x": True}, "unevaluatedProperties": False}
    with pytest.raises(ValidationError, match="name the properties in full"):
        read("{}", schema)


def read(text: str, schema: dict[str, Any]) -> Any:
    """Return what a strict schema makes of an answer."""
    form = {"type": "json_schema", "json_schema": {"strict": True, "schema": {"type": "object", **schema}}}
    _, expectation = prepare(LLMRequest(messages=[Message(role="user", content="Hi")], response_format=form))
    response = LLMResponse(content=text, model="a:b", finish_reason="stop")
    finish(response, expectation)
    return response.parsed


async def ended_by(ring: LLMRing, asked: LLMRequest, *, stream: bool) -> None:
    if not stream:
        await ring.chat(asked)
    async for _ in ring.chat_stream(asked):
        pass


class Row(pydantic.BaseModel, frozen=True):
    n: int


class Rows(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(regex_engine="python-re")
    rows: set[Row]
    code: Annotated[str, pydantic.Field(pattern="^x")] = "x"


ROWS = {"type": "object", "properties": {"rows": {"type": "array", "uniqueItems": True}}}


@pytest.mark.parametrize(
    "form", [{"type": "json_schema", "json_schema": {"strict": True, "schema": ROWS}}, Rows]
)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_long_answer_is_checked_beside_the_event_loop_and_within_the_time_limit(
    backend: str, stream: bool, form: Any
) -> None:
    """``uniqueItems`` of objects takes quadratic time."""
    answer = json.dumps({"rows": [{"n": number} for number in range(1_200)]})
    asked = LLMRequest(
        [Message(role="user", content="Hi")], model="fake:x", response_format=form, timeout=0.2
    )
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await anyio.sleep(0.005)
            longest = max(longest, time.perf_counter() - began)

    async def main() -> None:
        async with LLMRing(policy=Policy(retry=RetryPolicy(attempts=1))) as ring:
            ring.register_provider("fake", FakeProvider(answer))
            async with anyio.create_task_group() as group:
                group.start_soon(tick)
                with pytest.raises(ProviderTimeoutError):
                    await ended_by(ring, asked, stream=stream)
                group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    assert longest < 2
