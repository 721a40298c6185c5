"""The methods that llmring 1 had from pydantic."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pydantic
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from llmring_types import Attempt, LLMRequest, LLMResponse, Message, StreamChunk, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MessageValidationError,
    ProviderResponseError,
    ProviderTimeoutError,
    ValidationError,
)
from msgspec import Struct
from pydantic import BaseModel

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
MESSAGE = Message(role="user", content=[{"type": "text", "text": "Hi"}], timestamp=MOMENT)
REQUEST = LLMRequest(messages=[MESSAGE], model="m", temperature=0.5)
RESPONSE = LLMResponse(
    content="Hi",
    model="p:m",
    tool_calls=[tool_call("c", "f", "{}")],
    attempts=[Attempt(model="p:m", outcome="ok")],
)


def test_a_dump_has_every_field_and_nested_dicts() -> None:
    dumped = RESPONSE.model_dump()
    assert set(dumped) == set(LLMResponse.__struct_fields__)
    assert dumped["attempts"][0]["outcome"] == "ok"
    assert dumped["usage"] is None
    assert REQUEST.model_dump()["messages"][0]["timestamp"] == MOMENT
    assert REQUEST.model_dump(mode="json")["messages"][0]["timestamp"] == "2026-01-02T00:00:00Z"
    assert "timeout" not in REQUEST.model_dump()  # unset


def test_a_dump_may_have_some_fields_only() -> None:
    assert RESPONSE.model_dump(include={"content", "model"}) == {"content": "Hi", "model": "p:m"}
    assert set(MESSAGE.model_dump(exclude={"content"}, exclude_none=True)) == {"role", "timestamp"}


def test_types_stay_in_a_dump_and_are_refused_in_json() -> None:
    request = LLMRequest(messages=[MESSAGE], response_format=int)
    assert request.model_dump()["response_format"] is int
    with pytest.raises(TypeError):
        request.model_dump_json()


@pytest.mark.parametrize("whole", [MESSAGE, REQUEST, RESPONSE, StreamChunk(delta="a", finish_reason="stop")])
def test_json_there_and_back_is_the_same(whole: Any) -> None:
    assert type(whole).model_validate_json(whole.model_dump_json()) == whole
    assert type(whole).model_validate(whole.model_dump()) == whole
    assert type(whole).model_validate(whole) is whole
    assert json.loads(whole.model_dump_json(indent=2, exclude_none=True))


class City(BaseModel):
    name: str


class Town(Struct):
    name: str


def answer(parsed: Any) -> LLMResponse:
    return msgspec.structs.replace(RESPONSE, parsed=parsed, usage={"prompt_tokens": 1, "cost": 0.5})


@pytest.mark.parametrize("parsed", [City(name="Bern"), Town("Bern"), {"name": "Bern"}])
def test_what_was_parsed_is_plain_in_json(parsed: Any) -> None:
    assert answer(parsed).model_dump(mode="json")["parsed"] == {"name": "Bern"}
    assert json.loads(answer(parsed).model_dump_json())["parsed"] == {"name": "Bern"}


def test_a_response_is_a_dict_of_its_fields_to_those_who_ask() -> None:
    assert dict(RESPONSE) == RESPONSE.model_dump()


def test_a_field_of_a_pydantic_model_may_be_of_our_types() -> None:
    class Turn(BaseModel):
        question: Message
        answer: LLMResponse[Town]

    turn = Turn(question=MESSAGE, answer=answer(Town("Bern")))
    assert turn.answer.parsed == Town("Bern")
    again = Turn.model_validate_json(turn.model_dump_json())
    assert again.question == MESSAGE
    assert dict(again.answer)["parsed"] == {"name": "Bern"}
    with pytest.raises(pydantic.ValidationError, match="usr"):
        Turn.model_validate({"question": {"role": "usr", "content": ""}, "answer": RESPONSE})


def test_fastapi_returns_a_response_with_or_without_its_type() -> None:
    app = FastAPI()

    @app.get("/typed")
    async def typed() -> LLMResponse[City]:
        return answer(City(name="Bern"))

    @app.get("/untyped", response_model=None)
    async def untyped() -> Any:
        return answer(Town("Bern"))

    @app.post("/messages")
    async def messages(sent: list[Message]) -> list[Message]:
        return sent

    with TestClient(app) as client:
        for path in ("/typed", "/untyped"):
            given = client.get(path).json()
            assert (given["content"], given["parsed"], given["usage"]["cost"]) == (
                "Hi",
                {"name": "Bern"},
                0.5,
            )
            assert given["attempts"][0]["outcome"] == "ok"
        assert client.post("/messages", json=[{"role": "user", "content": "Hi"}]).json()[0]["content"] == "Hi"
        assert client.post("/messages", json=[{"role": "usr", "content": "Hi"}]).status_code == 422
        documented = client.get("/openapi.json").json()["paths"]["/typed"]["get"]["responses"]["200"]
        schema = documented["content"]["application/json"]["schema"]
        assert schema["properties"]["attempts"]["items"]["properties"]["model"] == {"type": "string"}


def test_a_copy_is_changed_and_checked() -> None:
    copy = REQUEST.model_copy(update={"temperature": 1.0})
    assert (copy.temperature, REQUEST.temperature) == (1.0, 0.5)
    assert copy.messages is REQUEST.messages
    assert REQUEST.model_copy(deep=True).messages[0] is not MESSAGE
    with pytest.raises(ValidationError):
        REQUEST.model_copy(update={"temperature": "hot"})


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (LLMRequest, {"messages": [], "unknown": 1}),
        (LLMRequest, []),
        (LLMResponse, {"content": 1, "model": "m"}),
        (Message, {"role": "king", "content": "x"}),
        (Message, {"content": "x"}),
    ],
)
def test_what_does_not_fit_is_refused(kind: Any, given: object) -> None:
    with pytest.raises((ValidationError, MessageValidationError)):
        kind.model_validate(given)
    with pytest.raises(ValidationError):
        kind.model_validate_json("{")


def test_messages_in_other_forms_are_read_as_requests_read_them() -> None:
    assert Message.model_validate({"role": "developer", "content": "x"}).role == "system"
    assert (
        LLMRequest.model_validate({"messages": [{"role": "user", "content": "x"}]}).messages[0].role == "user"
    )


def test_errors_name_their_model_and_the_error_at_the_bottom() -> None:
    bottom = OSError("gone")
    middle = ProviderTimeoutError("late", model="m", original=bottom)
    top = ProviderResponseError("bad", original=middle)
    assert (middle.model_name, top.model_name) == ("m", None)
    assert top.root_cause is bottom
    assert LLMRingError("alone").root_cause.args == ("alone",)
