"""The methods that llmring 1 had from pydantic."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from llmring_types import Attempt, LLMRequest, LLMResponse, Message, StreamChunk, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    MessageValidationError,
    ProviderResponseError,
    ProviderTimeoutError,
    ValidationError,
)

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
