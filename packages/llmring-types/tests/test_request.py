from typing import Any

import msgspec
import pytest
from llmring_types import LLMRequest, Message
from llmring_types.exceptions import ValidationError
from msgspec import UNSET

HELLO = [Message(role="user", content="Hello")]


def test_the_defaults_are_those_of_the_documented_api() -> None:
    request = LLMRequest(messages=HELLO)
    assert (request.model, request.temperature, request.max_tokens, request.tools) == (None, None, None, None)
    assert request.timeout is UNSET
    assert request.extra_params == {}


WRONG: list[tuple[str, object]] = [
    ("messages", "Hello"),
    ("messages", ["Hello"]),
    ("messages", [{"role": "admin", "content": "x"}]),
    ("model", 5),
    ("temperature", float("nan")),
    ("temperature", float("inf")),
    ("temperature", "hot"),
    ("temperature", True),
    ("max_tokens", 0),
    ("max_tokens", 1.5),
    ("reasoning_tokens", -1),
    ("timeout", -1),
    ("timeout", float("nan")),
    ("tools", {"name": "x"}),
    ("tools", ["x"]),
    ("tool_choice", 5),
    ("extra_params", [1]),
    ("metadata", "x"),
    ("cache", "x"),
    ("reasoning_effort", "huge"),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{field}={value!r}" for field, value in WRONG])
def test_a_value_that_no_provider_could_take_is_told_at_construction(field: str, value: object) -> None:
    fields: dict[str, object] = {"messages": HELLO, field: value}
    with pytest.raises(ValidationError, match=field) as caught:
        LLMRequest(**fields)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


def test_the_range_of_temperatures_is_the_providers_to_judge() -> None:
    assert LLMRequest(messages=HELLO, temperature=-1).temperature == -1


@pytest.mark.parametrize("timeout", [None, 0, 0.5, 300])
def test_a_timeout_may_be_none_or_any_time(timeout: float | None) -> None:
    assert LLMRequest(messages=HELLO, timeout=timeout).timeout == timeout


def test_dicts_become_messages_and_the_callers_list_stays_as_it_is() -> None:
    given = [{"role": "user", "content": "Hello"}]
    request = LLMRequest(messages=given)  # type: ignore[arg-type]
    assert request.messages == HELLO
    assert given == [{"role": "user", "content": "Hello"}]


def test_a_request_can_be_changed_by_its_owner() -> None:
    request = LLMRequest(messages=HELLO)
    request.model = "summarizer"
    assert request.model == "summarizer"


def test_an_empty_conversation_is_told_only_when_it_is_sent() -> None:
    assert LLMRequest(messages=[]).messages == []


def test_a_request_survives_json() -> None:
    request = LLMRequest(messages=HELLO, timeout=None, tools=[{"name": "f"}])
    assert msgspec.json.decode(msgspec.json.encode(request), type=LLMRequest) == request


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "64MiB"])
def test_a_limit_on_the_answer_is_a_number_of_bytes(limit: Any) -> None:
    with pytest.raises(ValidationError, match="max_response_bytes"):
        LLMRequest(messages=HELLO, max_response_bytes=limit)


def test_a_request_does_not_show_the_keys_that_are_in_it() -> None:
    request = LLMRequest(
        messages=HELLO,
        tools=[{"type": "mcp", "authorization": "hunter2", "headers": {"x": "hunter2"}, "server_url": "u"}],
        extra_params={"mcp": [{"authorization_token": "hunter2", "name": "n"}], "max_output_tokens": 7},
    )
    shown = repr(request)
    assert "hunter2" not in shown
    assert "'server_url': 'u'" in shown
    assert "'max_output_tokens': 7" in shown
    assert "temperature" not in shown


def weather(city: str) -> str:
    return city


class Named:
    name = "weather"

    def spec(self) -> dict[str, Any]:
        return {"name": self.name}


@pytest.mark.parametrize(
    ("tool", "mend"),
    [
        (weather, r"ring\.run\(request, tools=\[weather\]\).*llmring\.tools\.tool\(weather\)\.spec\(\)"),
        (Named(), r"ring\.run\(request, tools=\[weather\]\).*: weather\.spec\(\)"),
        ("weather", "must be a dict; got str$"),
    ],
)
def test_a_function_among_the_tools_is_refused_with_the_way_to_run_it(tool: Any, mend: str) -> None:
    with pytest.raises(ValidationError, match=mend) as caught:
        LLMRequest(messages=HELLO, tools=[{"name": "f"}, tool])
    assert caught.value.field == "tools[1]"
