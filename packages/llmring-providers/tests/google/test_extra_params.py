"""``extra_params`` in the body."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.google import GoogleAdapter
from llmring_providers.google.extra_params import _GENERATION, merge_extra
from llmring_providers.google.request import encode
from llmring_types import LLMRequest, Message, ModelRef

ROWS: list[Any] = [
    pytest.param({"top_p": 0.9}, {"generationConfig": {"topP": 0.9}}, id="snake case"),
    pytest.param({"topK": 5, "seed": 1}, {"generationConfig": {"topK": 5, "seed": 1}}, id="camel case"),
    pytest.param({"stop": "x"}, {"generationConfig": {"stopSequences": ["x"]}}, id="stop"),
    pytest.param({"stop_sequences": ["x", "y"]}, {"generationConfig": {"stopSequences": ["x", "y"]}}, id="stops"),
    pytest.param(
        {"generation_config": {"top_p": 0.9, "seed": 1}, "temperature": 2},
        {"generationConfig": {"topP": 0.9, "seed": 1, "temperature": 2}},
        id="Gemini's own nesting",
    ),
    pytest.param(
        {"thinking_budget": 7, "include_thoughts": True},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 7, "includeThoughts": True}}},
        id="thinking at the top",
    ),
    pytest.param(
        {"thinking_config": {"thinking_budget": 7}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 7}}},
        id="thinking config",
    ),
    pytest.param(
        {"safety_settings": [{"category": "a_b"}], "cachedContent": "c", "labels": {"my_key": "v"}},
        {"safetySettings": [{"category": "a_b"}], "cachedContent": "c", "labels": {"my_key": "v"}},
        id="what stays at the top",
    ),
    pytest.param(
        {"response_schema": {"properties": {"my_name": {}}}},
        {"generationConfig": {"responseSchema": {"properties": {"my_name": {}}}}},
        id="names within a schema are the user's",
    ),
    pytest.param({"response_modalities": ["IMAGE"], "image_config": {"aspectRatio": "1:1"}},
                 {"generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}}},
                 id="images"),
    pytest.param(
        {"n": 1, "logprobs": True, "top_logprobs": 3},
        {"generationConfig": {"candidateCount": 1, "responseLogprobs": True, "logprobs": 3}},
        id="OpenAI's names",
    ),
    pytest.param({"logprobs": 3}, {"generationConfig": {"logprobs": 3}}, id="Gemini's logprobs"),
]  # fmt: skip


@pytest.mark.parametrize(("extra", "body"), ROWS)
def test_every_parameter_goes_where_it_belongs(extra: dict[str, Any], body: dict[str, Any]) -> None:
    merged: dict[str, Any] = {}
    warnings: list[str] = []
    merge_extra(merged, extra, warnings)
    assert (merged, warnings) == (body, [])


def test_what_gemini_would_refuse_is_dropped_and_told() -> None:
    merged: dict[str, Any] = {}
    warnings: list[str] = []
    merge_extra(merged, {"parallel_tool_calls": False, "seed": 1}, warnings)
    assert merged == {"generationConfig": {"seed": 1}}
    assert warnings == ["parallel_tool_calls was dropped: Gemini has no such parameter"]


def test_they_go_over_what_the_request_says(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(
        "gemini-3-flash",
        temperature=1.0,
        max_tokens=9,
        reasoning_effort="low",
        extra_params={"temperature": 0.5, "generationConfig": {"max_output_tokens": 8}, "thinking_level": "high"},
    )  # fmt: skip
    assert json.loads(encode(call, stream=False).body)["generationConfig"] == {
        "temperature": 0.5,
        "maxOutputTokens": 8,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "high"},
    }


def test_a_budget_goes_over_a_level(call_with: Callable[..., ChatCall]) -> None:
    call = call_with("gemini-3-pro", reasoning_effort="low", extra_params={"thinking_budget": 5})
    config = json.loads(encode(call, stream=False).body)["generationConfig"]
    assert config == {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 5}}


def test_tool_config_is_merged(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(
        tools=[{"name": "f"}],
        tool_choice="required",
        extra_params={
            "tool_config": {
                "function_calling_config": {"allowed_function_names": ["f"]},
                "retrieval_config": {"lat_lng": {}},
            }
        },
    )
    assert json.loads(encode(call, stream=False).body)["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]},
        "retrievalConfig": {"lat_lng": {}},
    }


def test_tools_stand_beside_those_of_the_request(call_with: Callable[..., ChatCall]) -> None:
    call = call_with(tools=[{"name": "f"}], extra_params={"tools": [{"google_search": {}}]})
    assert json.loads(encode(call, stream=False).body)["tools"] == [
        {"google_search": {}},
        {"functionDeclarations": [{"name": "f"}]},
    ]


def test_the_sdk_knows_no_other_generation_settings() -> None:
    types = pytest.importorskip("google.genai.types")
    known = {field.alias or name for name, field in types.GenerationConfig.model_fields.items()}
    assert known <= _GENERATION


@pytest.mark.parametrize("extra", [{"n": 2}, {"generationConfig": {"candidate_count": 2}}])
def test_it_is_told_that_one_of_several_answers_is_kept(extra: dict[str, Any]) -> None:
    warnings: list[str] = []
    merge_extra({}, extra, warnings)
    assert warnings == ["candidateCount=2 was asked for: the response holds only the first answer"]


def sent(model: str, extra: dict[str, Any], **more: Any) -> tuple[Any, tuple[str, ...]]:
    request = LLMRequest([Message(role="user", content="x")], extra_params=extra, **more)
    wire = GoogleAdapter().encode(ChatCall(request, ModelRef("google", model)), stream=False)
    body = json.loads(wire.body)
    return {name: body[name] for name in body.keys() - {"contents"}}, wire.warnings


FLASH, LITE, PRO, THREE = (
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "gemini-3-pro-preview",
)
REFUSED = [
    pytest.param(FLASH, {"thinkingLevel": "low"}, {"thinkingConfig": {"thinkingBudget": 1024}}, "takes no level",
                 id="https://github.com/QwenLM/qwen-code/pull/9094"),
    pytest.param(THREE, {"thinkingLevel": "minimal"}, {"thinkingConfig": {"thinkingLevel": "low"}}, "'minimal' became 'low'",
                 id="https://github.com/vellum-ai/vellum-assistant/pull/32687"),
    pytest.param(THREE, {"thinkingConfig": {"thinkingLevel": "MEDIUM", "includeThoughts": True}},
                 {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}}, "'medium' became 'low'",
                 id="https://github.com/jenslys/opencode-gemini-auth/issues/14"),
    pytest.param(THREE, {"thinkingLevel": "HIGH"}, {"thinkingConfig": {"thinkingLevel": "HIGH"}}, None, id="in capitals"),
    pytest.param(PRO, {"thinkingBudget": 0}, {"thinkingConfig": {"thinkingBudget": 128}}, "cannot be switched off",
                 id="a model that thinks always"),
    pytest.param(LITE, {"thinkingBudget": 100}, {"thinkingConfig": {"thinkingBudget": 512}}, "reasoning_tokens became 512",
                 id="less than the least"),
    pytest.param(FLASH, {"thinkingBudget": 0}, {"thinkingConfig": {"thinkingBudget": 0}}, None, id="off"),
    pytest.param(FLASH, {"thinkingBudget": -1}, {"thinkingConfig": {"thinkingBudget": -1}}, None, id="as the model likes"),
    pytest.param("gemini-2.0-flash", {"thinkingConfig": {"thinkingBudget": 100}}, {}, "does not think",
                 id="https://github.com/Veloera/Veloera/issues/41"),
    pytest.param(FLASH, {"frequency_penalty": 0.5, "presencePenalty": 0.5}, {}, "frequencyPenalty was dropped",
                 id="https://github.com/PublicAffairs/openai-gemini/issues/63"),
    pytest.param("gemini-2.0-flash", {"frequency_penalty": 0.5}, {"frequencyPenalty": 0.5}, None, id="a model with penalties"),
    pytest.param(FLASH, {"max_tokens": 9}, {"maxOutputTokens": 9}, None, id="a limit by OpenAI's name"),
    pytest.param(FLASH, {"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}, None,
                 id="a format by OpenAI's name"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "extra", "expected", "warning"), REFUSED)
def test_a_model_gets_what_it_takes(
    model: str, extra: dict[str, Any], expected: dict[str, Any], warning: str | None
) -> None:
    body, warnings = sent(model, extra)
    assert body == {"generationConfig": expected}
    assert not warnings if warning is None else any(warning in each for each in warnings)


@pytest.mark.parametrize(
    ("tier", "expected"),
    [("default", "standard"), ("flex", "flex"), ("priority", "priority"), ("auto", None)],
)
def test_tiers_have_the_words_of_gemini(tier: str, expected: str | None) -> None:
    body, _ = sent(FLASH, {"service_tier": tier})
    assert body.get("serviceTier") == expected


def test_a_choice_by_openais_name_is_a_choice() -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    body, _ = sent(FLASH, {"tool_choice": "required"}, tools=[tool])
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
