"""What each family of models takes, as data."""

import json
from typing import Any, get_args

import pytest
from llmring_providers import ChatCall
from llmring_providers._fit.models import EFFORTS, ModelRules, nearest_effort, rules_of, vendors
from llmring_providers._protocol import WireRequest
from llmring_providers.openai.models import rules_for
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef, ReasoningEffort

TAKES = {
    "o3": ("low", "medium", "high"),
    "o4-mini-2025-04-16": ("low", "medium", "high"),
    "gpt-5": ("minimal", "low", "medium", "high"),
    "gpt-5-nano-2025-08-07": ("minimal", "low", "medium", "high"),
    "gpt-5-pro": ("high",),
    "gpt-5.1": ("none", "low", "medium", "high"),
    "gpt-5.1-codex-max": ("low", "medium", "high", "xhigh"),
    "gpt-5.2": ("none", "low", "medium", "high", "xhigh"),
    "gpt-5.2-pro": ("medium", "high", "xhigh"),
    "gpt-5.6-sol": ("none", "low", "medium", "high", "xhigh", "max"),
    "gpt-4o": (),
    "gpt-5-chat-latest": (),
    "gpt-7": None,
    "llama-4": None,
}


@pytest.mark.parametrize(("model", "efforts"), TAKES.items())
def test_the_efforts_of_a_model(model: str, efforts: tuple[str, ...] | None) -> None:
    assert rules_of("openai", model).efforts == efforts


def test_every_row_says_something_and_has_its_page() -> None:
    for vendor in vendors().values():
        for row in vendor.rows:
            assert row.source.startswith("https://")
            assert any(getattr(row, field) is not None for field in ModelRules.__struct_fields__)


def test_every_effort_of_the_table_can_be_asked_for() -> None:
    rows = [row for vendor in vendors().values() for row in vendor.rows]
    assert {effort for row in rows for effort in row.efforts or ()} <= set(EFFORTS)
    assert set(get_args(ReasoningEffort)) == set(EFFORTS)


NEAREST = [
    ("max", ("low", "high", "xhigh"), "xhigh"),
    ("xhigh", ("low", "medium", "high"), "high"),
    ("none", ("low", "high"), "low"),
    ("none", ("minimal", "low"), "minimal"),
    ("minimal", ("none", "low"), "none"),
    ("low", ("medium", "high"), "medium"),
    ("medium", ("medium",), "medium"),
    ("high", (), "high"),
    ("ultra", ("low",), "ultra"),
]


@pytest.mark.parametrize(("wanted", "levels", "found"), NEAREST)
def test_an_effort_becomes_the_nearest_below(wanted: str, levels: tuple[str, ...], found: str) -> None:
    assert nearest_effort(wanted, levels) == found


def call_of(model: str, host: str | None = None, **request: Any) -> ChatCall:
    asked = LLMRequest([Message(role="user", content="Hi")], **request)
    return ChatCall(asked, ModelRef("openai", model), host=host)


def wire(model: str, **request: Any) -> WireRequest:
    return OpenAIAdapter().encode(call_of(model, **request), stream=False)


TOOLS = [{"name": "f"}]
PLACES = [
    pytest.param("gpt-5.2", {"tools": TOOLS, "reasoning_effort": "high"}, "/chat/completions", id="older"),
    pytest.param("gpt-5.4", {"tools": TOOLS}, "/chat/completions", id="does not reason unasked"),
    pytest.param("gpt-5.4", {"tools": TOOLS, "reasoning_effort": "none"}, "/chat/completions", id="none"),
    pytest.param("gpt-5.4-mini", {"tools": TOOLS, "reasoning_effort": "low"}, "/responses", id="asked to reason"),
    pytest.param("gpt-5.6-terra", {"tools": TOOLS}, "/responses", id="reasons unasked"),
    pytest.param("gpt-5.6", {"tools": TOOLS, "reasoning_effort": "none"}, "/chat/completions", id="told not to"),
    pytest.param("gpt-5.6", {}, "/chat/completions", id="no functions"),
    pytest.param("gpt-5.6", {"tools": TOOLS, "extra_params": {"api": "chat"}}, "/chat/completions", id="chosen"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "fields", "path"), PLACES)
def test_functions_that_chat_completions_refuse_go_to_the_responses_api(
    model: str, fields: dict[str, Any], path: str
) -> None:
    assert wire(model, **fields).path == path


def test_a_host_that_is_not_openai_gets_what_was_asked() -> None:
    found = wire("gpt-5.6", host="openrouter.ai", tools=TOOLS, reasoning_effort="minimal", temperature=0.5)
    assert found.path == "/chat/completions"
    body = json.loads(found.body)
    assert (body["reasoning_effort"], body["temperature"], found.warnings) == ("minimal", 0.5, ())
    assert rules_for(call_of("openai/gpt-5.1")).efforts is None


SAMPLING = [
    pytest.param("o3", {}, {"temperature": 0.5}, [], id="never"),
    pytest.param("gpt-5.2", {}, {"temperature": 0.5}, ["temperature"], id="does not reason unasked"),
    pytest.param("gpt-5.2", {"reasoning_effort": "low"}, {"temperature": 0.5}, [], id="while it reasons"),
    pytest.param("gpt-5.2", {"reasoning_effort": "none"}, {"top_p": 0.5}, ["top_p"], id="told not to reason"),
    pytest.param("gpt-5.5", {}, {"top_p": 0.5, "seed": 1}, ["seed"], id="reasons unasked"),
    pytest.param("gpt-5", {}, {"frequency_penalty": 1, "logit_bias": {}}, [], id="penalties"),
    pytest.param("gpt-4o", {}, {"temperature": 0.5, "top_p": 0.5}, ["temperature", "top_p"], id="always"),
]


@pytest.mark.parametrize(("model", "fields", "knobs", "kept"), SAMPLING)
def test_sampling_is_left_out_where_the_model_refuses_it(
    model: str, fields: dict[str, Any], knobs: dict[str, Any], kept: list[str]
) -> None:
    own = {"temperature": knobs["temperature"]} if "temperature" in knobs else {}
    extra = {name: value for name, value in knobs.items() if name != "temperature"}
    found = wire(model, extra_params=extra, **own, **fields)
    body = json.loads(found.body)
    assert [name for name in knobs if name in body] == kept
    assert len(found.warnings) == len(knobs) - len(kept)
