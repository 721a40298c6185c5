"""Thinking, efforts and tiers in ``extra_params`` that a model refuses: public reports of 400s with their sources."""

import json
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef, tool_call
from llmring_types.exceptions import UnsupportedContentError

TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
BUDGET = {"type": "enabled", "budget_tokens": 5000}


def sent(model: str, extra: dict[str, Any], **more: Any) -> tuple[Any, tuple[str, ...]]:
    more.setdefault("messages", [Message(role="user", content="x")])
    request = LLMRequest(extra_params=extra, **more)
    facts = ModelFacts(provider="anthropic", model=model, max_output_tokens=64_000)
    wire = AnthropicAdapter().encode(ChatCall(request, ModelRef("anthropic", model), facts), stream=False)
    return json.loads(wire.body), wire.warnings


ROWS = [
    pytest.param("claude-opus-4-7", {"thinking": BUDGET},
                 {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "medium"}},
                 "became effort 'medium'", id="https://github.com/docker/docker-agent/pull/2563"),
    pytest.param("claude-opus-4-8", {"thinking": BUDGET, "output_config": {"effort": "low"}},
                 {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
                 None, id="https://github.com/tontinton/maki/pull/331"),
    pytest.param("claude-opus-4-6", {"thinking": {"type": "adaptive", "budget_tokens": 9}}, {"thinking": {"type": "adaptive"}},
                 "budget_tokens was dropped", id="https://github.com/NousResearch/hermes-agent/pull/1128"),
    pytest.param("claude-opus-4-6", {"thinking": BUDGET}, {"thinking": BUDGET}, None, id="a model that takes both"),
    pytest.param("claude-sonnet-4-5", {"thinking": {"type": "adaptive"}},
                 {"thinking": {"type": "enabled", "budget_tokens": 8192}}, "became a budget of 8192", id="no adaptive thinking"),
    pytest.param("claude-3-5-haiku-latest", {"thinking": BUDGET}, {"thinking": None}, "does not think", id="no thinking"),
    pytest.param("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 100}},
                 {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "raised from 100", id="less than the least"),
    pytest.param("claude-fable-5", {"thinking": {"type": "disabled"}}, {"thinking": None}, "cannot be kept", id="always thinks"),
    pytest.param("claude-opus-4-5", {"output_config": {"effort": "max"}}, {"output_config": {"effort": "high"}},
                 "'max' became 'high'", id="an effort without adaptive thinking"),
    pytest.param("claude-opus-4-6", {"output_config": {"effort": "xhigh"}}, {"output_config": {"effort": "high"}},
                 "'xhigh' became 'high'", id="an effort between two"),
    pytest.param("claude-sonnet-4-5", {"output_config": {"effort": "low"}}, {"output_config": None}, "effort was dropped",
                 id="a model without efforts"),
    pytest.param("kimi-k2", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
                 {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, None, id="a model of another vendor"),
    pytest.param("claude-sonnet-4-5", {"service_tier": "flex"}, {"service_tier": None}, "service_tier 'flex'", id="another's tier"),
    pytest.param("claude-sonnet-4-5", {"service_tier": "default"}, {"service_tier": "standard_only"}, None, id="the standard tier"),
    pytest.param("claude-sonnet-4-5", {"response_format": {"type": "json_object"}}, {"response_format": None}, None,
                 id="a format by OpenAI's name"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "extra", "expected", "warning"), ROWS)
def test_a_model_gets_what_it_takes(
    model: str, extra: dict[str, Any], expected: dict[str, Any], warning: str | None
) -> None:
    body, warnings = sent(model, extra)
    assert {name: body.get(name) for name in expected} == expected
    assert not warnings if warning is None else any(warning in each for each in warnings)


def test_a_budget_of_their_own_comes_on_top_of_the_limit() -> None:
    body, warnings = sent("claude-sonnet-4-5", {"thinking": BUDGET}, max_tokens=1024)
    assert body["max_tokens"] == 6024
    assert any("max_tokens=1024 was sent as 6024" in each for each in warnings)


def test_a_budget_below_the_limit_leaves_it_alone() -> None:
    body, warnings = sent("claude-sonnet-4-5", {"thinking": BUDGET}, max_tokens=8000)
    assert (body["max_tokens"], warnings) == (8000, ())


def test_a_budget_fits_into_what_the_model_gives() -> None:
    body, _ = sent(
        "claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 90_000}}, max_tokens=9
    )
    assert body["max_tokens"] == 64_000
    assert body["thinking"]["budget_tokens"] == 32_000


@pytest.mark.parametrize("where", ["request", "extra"])
def test_a_temperature_goes_where_there_is_thinking(where: str) -> None:
    extra: dict[str, Any] = {"thinking": BUDGET, **({"temperature": 0.5} if where == "extra" else {})}
    body, warnings = sent("claude-sonnet-4-5", extra, **({"temperature": 0.5} if where == "request" else {}))
    assert "temperature" not in body
    assert warnings == ("temperature was dropped: Anthropic does not take it together with thinking",)


def test_a_forced_tool_has_no_budget_beside_it() -> None:
    body, warnings = sent("claude-sonnet-4-5", {"thinking": BUDGET}, tools=[TOOL], tool_choice="required")
    assert "thinking" not in body
    assert any("forced tool" in each for each in warnings)


def test_calls_without_thinking_have_no_budget_behind_them() -> None:
    """https://github.com/anomalyco/opencode/issues/3077"""
    made = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", "{}")])
    talk = [Message(role="user", content="x"), made, Message(role="tool", tool_call_id="a", content="r")]
    body, _ = sent("claude-sonnet-4-5", {"thinking": BUDGET}, tools=[TOOL], messages=talk)
    assert "thinking" not in body


def test_odd_values_go_as_they_are() -> None:
    extra = {"thinking": {"type": "enabled", "budget_tokens": "many"}, "output_config": {"effort": 7}}
    body, warnings = sent("claude-opus-4-6", extra)
    assert (body["thinking"], body["output_config"]) == (extra["thinking"], extra["output_config"])
    assert not warnings


def test_a_field_of_the_request_is_checked_as_one() -> None:
    with pytest.raises(UnsupportedContentError, match=r"extra_params: tools\[0\] must be a dict"):
        sent("claude-sonnet-4-5", {"tools": [None]})
