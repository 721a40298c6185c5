"""One knob for reasoning, and the limit of output tokens that it shares."""

from collections.abc import Callable
from typing import Any

import pytest
from llmring_types import Message, ModelFacts, tool_call

Encoded = Callable[..., tuple[dict[str, Any], tuple[str, ...]]]


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


ADAPTIVE = {"type": "adaptive"}
SHOWN = {"type": "adaptive", "display": "summarized"}


def facts(**known: Any) -> ModelFacts:
    return ModelFacts(provider="anthropic", model="m", **known)


ROWS = [
    # model, knobs, thinking, effort, max_tokens
    pytest.param("claude-sonnet-4-5", {"reasoning_tokens": 2000, "max_tokens": 100}, budget(2000), None, 2100, id="a budget is added to the limit"),
    pytest.param("claude-sonnet-4-5", {"reasoning_tokens": 2000}, budget(2000), None, 6096, id="and to the default"),
    pytest.param("claude-sonnet-4-5", {"reasoning_effort": "high", "max_tokens": 100}, budget(16384), None, 16484, id="effort as budget"),
    pytest.param("claude-sonnet-4-5", {"reasoning_effort": "minimal", "max_tokens": 100}, budget(1024), None, 1124, id="least effort as budget"),
    pytest.param("claude-sonnet-4-5", {"reasoning_effort": "low", "reasoning_tokens": 5000, "max_tokens": 100}, budget(5000), None, 5100, id="a budget says more than an effort"),
    pytest.param("claude-sonnet-4-5", {"reasoning_effort": "none"}, None, None, 4096, id="none: nothing is asked"),
    pytest.param("claude-sonnet-4-5", {"reasoning_tokens": 0}, None, None, 4096, id="no tokens: nothing is asked"),
    pytest.param("claude-opus-4-6", {"reasoning_tokens": 2000, "max_tokens": 100}, budget(2000), None, 2100, id="4.6 takes a budget"),
    pytest.param("claude-opus-4-6", {"reasoning_tokens": 2000, "reasoning_effort": "max", "max_tokens": 100}, budget(2000), "max", 2100, id="4.6 takes both"),
    pytest.param("claude-opus-4-6", {"reasoning_effort": "medium", "max_tokens": 100}, ADAPTIVE, "medium", 100, id="4.6 takes an effort"),
    pytest.param("claude-opus-5", {"reasoning_effort": "xhigh", "max_tokens": 100}, SHOWN, "xhigh", 100, id="newer models are asked to show"),
    pytest.param("claude-opus-5", {"reasoning_effort": "medium"}, SHOWN, "medium", 4096 + 8192, id="room where no limit was given"),
    pytest.param("claude-opus-5", {"reasoning_effort": "low", "reasoning_tokens": 2000, "max_tokens": 100}, SHOWN, "low", 2100, id="effort beside a budget"),
    pytest.param("claude-opus-5", {"reasoning_effort": "none", "max_tokens": 100}, {"type": "disabled"}, None, 100, id="off"),
    pytest.param("claude-sonnet-5-5", {"reasoning_tokens": 0, "max_tokens": 100}, {"type": "between_tools"}, None, 100, id="off but for remarks"),
    pytest.param("claude-opus-5", {}, None, None, 4096 + 16384, id="a model that thinks by itself gets room"),
    pytest.param("claude-opus-5", {"max_tokens": 100}, None, None, 100, id="but not more than allowed"),
    pytest.param("some-other-model", {"reasoning_effort": "low", "max_tokens": 100}, budget(2048), None, 2148, id="other hosts"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "knobs", "thinking", "effort", "most"), ROWS)
def test_what_is_asked_of_reasoning_becomes_what_the_model_takes(
    *, model: str, knobs: dict[str, Any], thinking: Any, effort: str | None, most: int, encoded: Encoded
) -> None:
    body, warnings = encoded(model=model, **knobs)
    assert body.get("thinking") == thinking
    assert body.get("output_config") == (None if effort is None else {"effort": effort})
    assert body["max_tokens"] == most
    assert warnings == ()


WARNED = [
    pytest.param(
        "claude-sonnet-4-5", {"reasoning_tokens": 7}, budget(1024), "raised from 7 to 1024", id="too small"
    ),
    pytest.param("claude-opus-5", {"reasoning_tokens": 4096}, SHOWN, "became effort 'low'", id="low"),
    pytest.param(
        "claude-opus-4-6",
        {"reasoning_effort": "xhigh"},
        ADAPTIVE,
        "'xhigh' became 'high'",
        id="the next below",
    ),
    pytest.param(
        "claude-opus-5", {"reasoning_effort": "minimal"}, SHOWN, "'minimal' became 'low'", id="the least"
    ),
    pytest.param("claude-opus-5", {"reasoning_tokens": 16384}, SHOWN, "became effort 'medium'", id="medium"),
    pytest.param("claude-opus-5", {"reasoning_tokens": 99999}, SHOWN, "became effort 'max'", id="max"),
    pytest.param(
        "claude-3-haiku-20240307", {"reasoning_effort": "low"}, None, "does not think", id="does not think"
    ),
    pytest.param(
        "claude-fable-5", {"reasoning_effort": "none"}, None, "cannot be kept from thinking", id="always"
    ),
    pytest.param(
        "claude-sonnet-4-5",
        {"reasoning_effort": "low", "tools": [{"name": "f"}], "tool_choice": "required"},
        None,
        "forced tool",
        id="forced tool",
    ),
    pytest.param(
        "claude-sonnet-4-5",
        {"reasoning_effort": "low", "temperature": 0.5},
        budget(2048),
        "temperature was dropped",
        id="temperature",
    ),
    pytest.param(
        "other",
        {"reasoning_effort": "low", "facts": facts(reasoning=False)},
        None,
        "does not think",
        id="facts",
    ),
    pytest.param(
        "claude-sonnet-4-5",
        {"reasoning_tokens": 90000, "facts": facts(max_output_tokens=64000)},
        budget(32000),
        "cut to 32000",
        id="larger than the model's limit",
    ),
]


@pytest.mark.parametrize(("model", "knobs", "thinking", "told"), WARNED)
def test_what_cannot_be_had_is_told(
    model: str, knobs: dict[str, Any], thinking: Any, told: str, encoded: Encoded
) -> None:
    body, (warning,) = encoded(model=model, **knobs)
    assert body.get("thinking") == thinking
    assert told in warning


def test_the_least_effort_is_asked_of_a_model_that_always_thinks(encoded: Encoded) -> None:
    assert encoded(model="claude-fable-5", reasoning_tokens=0)[0]["output_config"] == {"effort": "low"}


def test_a_temperature_that_only_others_take_is_cut(encoded: Encoded) -> None:
    body, warnings = encoded(temperature=1.5)
    assert body["temperature"] == 1
    assert warnings == ("temperature was cut from 1.5 to 1, Anthropic's most",)


@pytest.mark.parametrize("temperature", [1, 1.0])
def test_the_default_temperature_is_taken_with_thinking(temperature: float, encoded: Encoded) -> None:
    body, warnings = encoded(reasoning_effort="low", temperature=temperature)
    assert (body["temperature"], warnings) == (1, ())


def test_the_limits_of_the_model_hold_for_answer_and_thinking_together(encoded: Encoded) -> None:
    known = facts(max_output_tokens=8000)
    assert encoded(facts=known, reasoning_tokens=2000)[0]["max_tokens"] == 8000
    assert encoded(facts=known, reasoning_tokens=2000, max_tokens=7000)[0]["max_tokens"] == 8000
    assert encoded(facts=known, reasoning_tokens=2000, max_tokens=9000)[0]["max_tokens"] == 9000


def test_effort_and_schema_share_their_place(encoded: Encoded) -> None:
    wanted = {"type": "json_schema", "json_schema": {"schema": {"type": "string"}}}
    body, _ = encoded(model="claude-opus-5", reasoning_effort="low", response_format=wanted)
    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "string"}},
    }


def _loop(**metadata: Any) -> list[Message]:
    return [
        Message(role="user", content="a"),
        Message(
            role="assistant", content="", tool_calls=[tool_call("t", "f", "{}")], metadata=metadata or None
        ),
        Message(role="tool", tool_call_id="t", content="x"),
    ]


def test_a_budget_is_not_asked_for_behind_calls_made_without_thinking(encoded: Encoded) -> None:
    body, (warning,) = encoded(messages=_loop(), reasoning_effort="low")
    assert "thinking" not in body
    assert "without thinking" in warning
    body, _ = encoded(messages=[*_loop(), Message(role="user", content="b")], reasoning_effort="low")
    assert body["thinking"] == budget(2048)


def test_a_budget_is_asked_for_behind_calls_made_with_thinking(encoded: Encoded) -> None:
    blocks = [
        {"type": "thinking", "thinking": "x", "signature": "s"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]
    messages = _loop(native={"provider": "anthropic", "replay": blocks})
    body, warnings = encoded(messages=messages, reasoning_effort="low")
    assert (body["thinking"], warnings) == (budget(2048), ())


def test_adaptive_thinking_needs_none_of_that(encoded: Encoded) -> None:
    body, warnings = encoded(messages=_loop(), model="claude-opus-4-6", reasoning_effort="low")
    assert (body["thinking"], warnings) == (ADAPTIVE, ())
    body, (warning,) = encoded(messages=_loop(), model="claude-opus-4-6", reasoning_tokens=2000)
    assert (body["thinking"], body["output_config"]) == (ADAPTIVE, {"effort": "low"})
    assert "became effort 'low'" in warning


def test_a_plain_answer_before_results_does_not_confuse_it(encoded: Encoded) -> None:
    made = [tool_call("t", "f", "{}")]
    messages = [
        Message(role="assistant", content="a"),
        Message(role="assistant", content="b", tool_calls=made),
        Message(role="tool", tool_call_id="t", content="x"),
    ]
    assert "thinking" not in encoded(messages=messages, reasoning_effort="low")[0]
    assert "thinking" not in encoded(messages=[*messages, *messages], reasoning_effort="low")[0]
    assert "thinking" in encoded(messages=messages[:1], reasoning_effort="low")[0]
