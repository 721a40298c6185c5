"""Requests become bodies of the Messages API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.anthropic.request import compose
from llmring_types import Message, ModelFacts
from llmring_types.exceptions import UnsupportedContentError
from llmring_types.hosts import Quirks

Encoded = Callable[..., tuple[dict[str, Any], tuple[str, ...]]]

TOOL: dict[str, Any] = {
    "name": "f",
    "description": "does",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
}
WIRE_TOOL = {"name": "f", "description": "does", "input_schema": TOOL["parameters"]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
WIRE_FORMAT = {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}


def facts(**known: Any) -> ModelFacts:
    return ModelFacts(provider="anthropic", model="claude-sonnet-4-5", **known)


def test_the_whole_of_a_plain_request(encoded: Encoded) -> None:
    body, warnings = encoded(
        messages=[Message(role="system", content="Be brief."), Message(role="user", content="Hi")],
        temperature=0.0,
        max_tokens=9,
        metadata={"ours": "never sent"},
    )
    assert body == {
        "model": "claude-sonnet-4-5",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "temperature": 0.0,
    }
    assert warnings == ()


def test_only_a_streamed_request_says_stream(call_with: Callable[..., ChatCall]) -> None:
    adapter = AnthropicAdapter()
    plain, streamed = (
        json.loads(adapter.encode(call_with(), stream=stream).body) for stream in (False, True)
    )
    assert streamed == {**plain, "stream": True}
    assert adapter.encode(call_with(), stream=True).path == "/v1/messages"


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        (None, 4096),
        (facts(), 4096),
        (facts(max_output_tokens=64000), 64000),
        (facts(max_output_tokens=0), 4096),
    ],
)
def test_max_tokens_has_a_default(known: ModelFacts | None, sent: int, encoded: Encoded) -> None:
    assert encoded(facts=known)[0]["max_tokens"] == sent
    assert encoded(facts=known, max_tokens=99999)[0]["max_tokens"] == 99999


PARAMETERS = [
    pytest.param({"tools": [TOOL]}, {"tools": [WIRE_TOOL]}, id="flat tool"),
    pytest.param({"tools": [{"type": "function", "function": TOOL}]}, {"tools": [WIRE_TOOL]}, id="OpenAI's tool"),
    pytest.param({"tools": [{"name": "f", "input_schema": SCHEMA}]}, {"tools": [{"name": "f", "input_schema": SCHEMA}]}, id="Anthropic's tool"),
    pytest.param({"tools": [{"name": "f"}]}, {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]}, id="tool without parameters"),
    pytest.param(
        {"tools": [{"type": "function", "function": {**TOOL, "strict": True}, "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{**WIRE_TOOL, "input_schema": {**TOOL["parameters"], "additionalProperties": False}, "strict": True, "cache_control": {"type": "ephemeral"}}]},
        id="strict and cached tool",
    ),
    pytest.param({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, id="Anthropic's own tools pass"),
    pytest.param({"tools": [TOOL], "tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}, id="auto"),
    pytest.param({"tools": [TOOL], "tool_choice": "none"}, {"tool_choice": {"type": "none"}}, id="none"),
    pytest.param({"tools": [TOOL], "tool_choice": "required"}, {"tool_choice": {"type": "any"}}, id="required"),
    pytest.param({"tools": [TOOL], "tool_choice": "f"}, {"tool_choice": {"type": "tool", "name": "f"}}, id="by name"),
    pytest.param({"tools": [TOOL], "tool_choice": {"function": "f"}}, {"tool_choice": {"type": "tool", "name": "f"}}, id="by function"),
    pytest.param({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}}, {"tool_choice": {"type": "tool", "name": "f"}}, id="OpenAI's choice"),
    pytest.param({"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}}, {"tool_choice": {"type": "tool", "name": "f"}}, id="choice of the responses API"),
    pytest.param({"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, id="Anthropic's choice"),
    pytest.param({"tools": [TOOL], "tool_choice": {"mode": "ANY", "allowedFunctionNames": ["f"]}}, {"tool_choice": {"type": "tool", "name": "f"}}, id="Gemini's choice"),
    pytest.param({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}}, {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}}, id="Anthropic's tool"),
    pytest.param({"tools": [TOOL], "extra_params": {"parallel_tool_calls": False}}, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, id="one call at a time"),
    pytest.param({"tools": [TOOL], "tool_choice": "required", "extra_params": {"parallel_tool_calls": False}}, {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}, id="one call at a time, required"),
    pytest.param({"tools": [TOOL], "tool_choice": "none", "extra_params": {"parallel_tool_calls": False}}, {"tool_choice": {"type": "none"}}, id="no call at a time"),
    pytest.param({"tools": [TOOL], "tool_choice": {"odd": 1}, "extra_params": {"parallel_tool_calls": False}}, {"tool_choice": {"odd": 1, "disable_parallel_tool_use": True}}, id="one call at a time, a choice of tomorrow"),
    pytest.param({"tools": [TOOL], "extra_params": {"parallel_tool_calls": True}}, {"tool_choice": None}, id="several calls at a time"),
    pytest.param({"tool_choice": "auto"}, {"tool_choice": None}, id="a choice between no tools"),
    pytest.param({"response_format": FORMAT}, {"output_config": {"format": WIRE_FORMAT}, "system": None}, id="schema"),
    pytest.param({"response_format": FORMAT, "tools": [TOOL]}, {"output_config": {"format": WIRE_FORMAT}, "tools": [WIRE_TOOL], "tool_choice": None}, id="schema and tools"),
    pytest.param({"response_format": {"type": "json_schema", "schema": SCHEMA}}, {"output_config": {"format": WIRE_FORMAT}}, id="Anthropic's schema"),
    pytest.param({"response_format": {"type": "text"}}, {"output_config": None, "system": None}, id="text"),
    pytest.param({"cache": {"type": "ephemeral", "ttl": "1h"}}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}, id="cache"),
    pytest.param({"cache": {"ttl": "5m"}}, {"cache_control": {"type": "ephemeral", "ttl": "5m"}}, id="cache by time alone"),
    pytest.param({"extra_params": {"top_p": 0.9, "service_tier": "auto"}}, {"top_p": 0.9, "service_tier": "auto"}, id="extra parameters"),
    pytest.param({"extra_params": {"stop": "END", "user": "u-1"}}, {"stop_sequences": ["END"], "metadata": {"user_id": "u-1"}, "stop": None, "user": None}, id="OpenAI's names"),
    pytest.param({"extra_params": {"stop": ["A", "B"]}}, {"stop_sequences": ["A", "B"]}, id="several stop words"),
    pytest.param({"response_format": FORMAT, "extra_params": {"output_config": {"task_budget": 9}}}, {"output_config": {"format": WIRE_FORMAT, "task_budget": 9}}, id="extra parameters reach inside"),
    pytest.param({"reasoning_tokens": 2000, "extra_params": {"thinking": {"type": "disabled"}}}, {"thinking": {"type": "disabled"}}, id="thinking is replaced whole"),
    pytest.param({"max_tokens": 5, "extra_params": {"max_tokens": 6}}, {"max_tokens": 6}, id="extra parameters come last"),
]  # fmt: skip


@pytest.mark.parametrize(("request_fields", "expected"), PARAMETERS)
def test_a_parameter_goes_where_the_protocol_has_it(
    request_fields: dict[str, Any], expected: dict[str, Any], encoded: Encoded
) -> None:
    body, warnings = encoded(**request_fields)
    assert {name: body.get(name) for name in expected} == expected
    assert warnings == ()


def test_one_call_at_a_time_without_tools_is_dropped_and_told(encoded: Encoded) -> None:
    body, warnings = encoded(extra_params={"parallel_tool_calls": False})
    assert not body.keys() & {"tool_choice", "parallel_tool_calls"}
    (warning,) = warnings
    assert "parallel_tool_calls" in warning


@pytest.mark.parametrize(
    "wanted",
    [
        {"json_response": True},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema"}},
    ],
)
def test_json_without_a_schema_is_asked_for_in_words_after_the_system_prompt(
    wanted: dict[str, Any], encoded: Encoded
) -> None:
    body, _ = encoded(**wanted)
    assert "JSON" in body["system"]
    body, _ = encoded(
        **wanted, messages=[Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    )
    first, second = body["system"]
    assert first == {"type": "text", "text": "Be brief."}
    assert "JSON" in second["text"]
    assert "output_config" not in body


def test_a_model_without_structured_output_reads_the_schema(encoded: Encoded) -> None:
    body, warnings = encoded(model="claude-3-haiku-20240307", response_format=FORMAT)
    assert json.dumps(SCHEMA, separators=(",", ":")) in body["system"]
    assert "output_config" not in body
    assert warnings == (
        "anthropic:claude-3-haiku-20240307 has no structured output: the schema was sent as part of the system prompt",
    )


def test_a_choice_among_several_functions_is_widened_and_told(encoded: Encoded) -> None:
    choice = {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}
    body, warnings = encoded(tools=[TOOL, {"name": "g"}], tool_choice=choice)
    assert body["tool_choice"] == {"type": "any"}
    assert "several functions" in warnings[0]


def test_what_cannot_be_sent_is_told(encoded: Encoded) -> None:
    body, warnings = encoded(cache={"key": "k"}, extra_params={"seed": 1, "logprobs": True})
    assert body.keys() == {"model", "messages", "max_tokens"}
    assert warnings == (
        "cache['key'] has no effect on Anthropic, which takes 'type' and 'ttl'",
        "seed was dropped: Anthropic has no such parameter",
        "logprobs was dropped: Anthropic has no such parameter",
    )


def test_newer_models_take_no_sampling_parameters(encoded: Encoded) -> None:
    body, warnings = encoded(model="claude-opus-5", temperature=0.5, extra_params={"top_p": 0.9, "top_k": 3})
    assert not body.keys() & {"temperature", "top_p", "top_k"}
    assert warnings == tuple(
        f"{name} was dropped: anthropic:claude-opus-5 does not take it"
        for name in ("temperature", "top_p", "top_k")
    )


@pytest.mark.parametrize(
    ("model", "known", "temperature", "sent"),
    [
        ("claude-sonnet-4-5", None, 0.5, 0.5),
        ("claude-sonnet-4-5", facts(temperature=False), 0.5, None),
        ("claude-sonnet-4-5", facts(temperature=True), 0.5, 0.5),
        ("claude-opus-4-7", facts(temperature=True), 0.5, None),
        ("claude-opus-4-7", None, 1.0, 1.0),
    ],
)
def test_temperature_goes_where_it_is_taken(
    model: str, known: ModelFacts | None, temperature: float, sent: float | None, encoded: Encoded
) -> None:
    body, warnings = encoded(model=model, facts=known, temperature=temperature)
    assert body.get("temperature") == sent
    assert bool(warnings) == (sent is None)


@pytest.mark.parametrize("betas", [["a-1", "b-2"], ("a-1", "b-2"), "a-1,b-2"])
def test_betas_go_into_their_header(betas: Any, call_with: Callable[..., ChatCall]) -> None:
    wire = AnthropicAdapter().encode(call_with(extra_params={"betas": betas}), stream=False)
    assert wire.headers == {"anthropic-beta": "a-1,b-2"}
    assert b"betas" not in wire.body


def test_parameters_that_are_headers_go_there(call_with: Callable[..., ChatCall]) -> None:
    given = {"user_profile_id": "uprof_1", "workspace_id": "wrkspc_1", "betas": ["a-1"], "speed": "fast"}
    wire = AnthropicAdapter().encode(call_with(extra_params=given), stream=False)
    assert wire.headers == {
        "anthropic-user-profile-id": "uprof_1",
        "anthropic-workspace-id": "wrkspc_1",
        "anthropic-beta": "a-1",
    }
    body = json.loads(wire.body)
    assert (body["speed"], body.keys() & given.keys()) == ("fast", {"speed"})


@pytest.mark.parametrize("betas", [7, ["a-1", None], {"a-1": True}])
def test_betas_that_are_no_names_are_refused(betas: Any, call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError, match="must be a list of names") as caught:
        AnthropicAdapter().encode(call_with(extra_params={"betas": betas}), stream=False)
    assert caught.value.part == "betas"


def test_no_betas_are_no_header(call_with: Callable[..., ChatCall]) -> None:
    assert AnthropicAdapter().encode(call_with(extra_params={"betas": None}), stream=False).headers == {}


def test_the_request_is_not_changed(call_with: Callable[..., ChatCall]) -> None:
    def build() -> ChatCall:
        return call_with(
            model="claude-opus-5",
            messages=[
                Message(role="system", content=[{"type": "text", "text": "s"}], metadata={"cache_control": {"type": "ephemeral"}}),
                Message(role="user", content=[{"type": "text", "text": "u"}], metadata={"cache_control": {"type": "ephemeral"}}),
            ],
            tools=[{"type": "function", "function": {**TOOL, "strict": True}}],
            tool_choice={"type": "auto"},
            response_format=FORMAT,
            cache={"type": "ephemeral"},
            reasoning_tokens=9,
            extra_params={"parallel_tool_calls": False, "stop": "x", "output_config": {"effort": "low"}},
        )  # fmt: skip

    call = build()
    AnthropicAdapter().encode(call, stream=True)
    assert call == build()


def test_hosts_that_place_the_model_elsewhere_get_the_body_before_it_is_bytes(
    call_with: Callable[..., ChatCall],
) -> None:
    composed = compose(call_with(extra_params={"betas": ["a-1"]}), stream=False)
    assert composed.body.pop("model") == "claude-sonnet-4-5"
    assert composed.body == {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4096}
    assert composed.betas == ("a-1",)


@pytest.mark.parametrize("value", ["\ud800", object(), {1: {2, 3}, "x": object()}])
def test_what_json_cannot_carry_is_our_error(value: Any, call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError):
        AnthropicAdapter().encode(call_with(extra_params={"x": value}), stream=False)


FREE = {"type": "object", "additionalProperties": {"type": "string"}}


def test_a_schema_that_constrained_decoding_cannot_hold_is_asked_for_in_words(
    call_with: Callable[..., ChatCall],
) -> None:
    call = call_with(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": FREE}})
    wire = AnthropicAdapter().encode(call, stream=False)
    body = json.loads(wire.body)
    assert "output_config" not in body
    assert json.dumps(FREE, separators=(",", ":")) in json.dumps(body["system"]).replace("\\", "")
    assert "an object takes any property" in wire.warnings[0]


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        (
            [{"name": "f", "strict": True, "parameters": {"type": "object", "properties": {"m": FREE}}}],
            "any property",
        ),
        ([{"name": f"f{i}", "strict": True} for i in range(21)], "too many strict tools"),
    ],
)
def test_strict_is_dropped_where_anthropic_refuses_it(
    tools: list[dict[str, Any]], told: str, call_with: Callable[..., ChatCall]
) -> None:
    wire = AnthropicAdapter().encode(call_with(tools=tools), stream=False)
    sent = json.loads(wire.body)["tools"]
    assert ["strict" in tool for tool in sent] == [True] * (len(tools) - 1) + [False]
    (warning,) = wire.warnings
    assert told in warning


def test_a_property_that_anthropic_refuses_is_an_error_that_the_next_model_may_not_make(
    call_with: Callable[..., ChatCall],
) -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {"": {}}}}
    with pytest.raises(UnsupportedContentError, match="a property is named ''"):
        AnthropicAdapter().encode(call_with(tools=[tool]), stream=False)


def test_a_strict_tool_that_takes_any_property_takes_its_own(call_with: Callable[..., ChatCall]) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True}
    wire = AnthropicAdapter().encode(
        call_with(tools=[{"name": "f", "strict": True, "parameters": parameters}]), stream=False
    )
    (tool,) = json.loads(wire.body)["tools"]
    assert (tool["strict"], tool["input_schema"]["additionalProperties"]) == (True, False)
    assert wire.warnings == ("objects of tool 'f' were closed: Anthropic's strict mode has no open ones",)


def test_a_conversation_that_says_nothing_is_an_error(call_with: Callable[..., ChatCall]) -> None:
    with pytest.raises(UnsupportedContentError, match="no message says anything"):
        AnthropicAdapter().encode(call_with(messages=[Message(role="user", content=" ")]), stream=False)


def test_a_host_of_this_protocol_takes_no_more_than_its_row_says(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(extra_params={"stop_sequences": ["a", "b", "c"], "top_k": 3})
    wire = AnthropicAdapter().encode(
        call._replace(quirks=Quirks(most_stops=2, refused=("top_k",))), stream=False
    )
    body = json.loads(wire.body)
    assert body["stop_sequences"] == ["a", "b"]
    assert "top_k" not in body
    assert [warning.partition(":")[0] for warning in wire.warnings] == [
        "top_k was dropped",
        "stop_sequences was cut from 3 to 2 sequences",
    ]
