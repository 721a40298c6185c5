"""``extra_params`` that OpenAI refuses as they are: public reports of 400s, each with its source."""

import json
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef

OpenAI = "api.openai.com"


def sent(
    model: str, extra: dict[str, Any], *, host: str | None = OpenAI, **more: Any
) -> tuple[str, Any, tuple[str, ...]]:
    request = LLMRequest([Message(role="user", content="x")], extra_params=extra, **more)
    wire = OpenAIAdapter().encode(ChatCall(request, ModelRef("openai", model), host=host), stream=False)
    body = json.loads(wire.body)
    return (
        wire.path,
        {name: body[name] for name in body.keys() - {"model", "messages", "input"}},
        wire.warnings,
    )


LONG = "s" * 70
CHAT = [
    pytest.param("gpt-5", {"max_tokens": 100}, {"max_completion_tokens": 100}, None,
                 id="https://github.com/ra-jeev/write-assist-ai/issues/30"),
    pytest.param("gpt-4o", {"max_tokens": 100}, {"max_tokens": 100}, None, id="a model that takes the older name"),
    pytest.param("gpt-5", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}, "'xhigh' became 'high'",
                 id="https://github.com/enricoros/big-AGI/issues/944"),
    pytest.param("gpt-4o", {"reasoning_effort": "low"}, {}, "does not reason", id="an effort without reasoning"),
    pytest.param("gpt-4o", {"verbosity": "low"}, {}, "verbosity 'low' was dropped",
                 id="https://github.com/enricoros/big-AGI/issues/947"),
    pytest.param("gpt-5", {"verbosity": "low"}, {"verbosity": "low"}, None, id="a verbosity that the model has"),
    pytest.param("gpt-5.1", {"prompt_cache_retention": "in-memory"}, {"prompt_cache_retention": "in_memory"}, None,
                 id="https://github.com/openai/openai-openapi/issues/508"),
    pytest.param("gpt-5.5", {"prompt_cache_retention": "in_memory"}, {}, "prompt_cache_retention 'in_memory'",
                 id="https://github.com/openai/openai-cookbook/pull/2680"),
    pytest.param("gpt-5.5", {"prompt_cache_retention": "24h"}, {"prompt_cache_retention": "24h"}, None, id="24 hours"),
    pytest.param("gpt-5.2", {"api": "chat", "reasoning": {"effort": "low", "summary": "auto"}},
                 {"reasoning_effort": "low"}, "reasoning was dropped", id="reasoning, where chat is chosen"),
    pytest.param("gpt-5.2", {"api": "chat", "text": {"verbosity": "low"}}, {"verbosity": "low"}, None,
                 id="text, where chat is chosen"),
    pytest.param("gpt-5.2", {"api": "chat", "truncation": "auto"}, {}, "truncation was dropped", id="truncation"),
    pytest.param("gpt-5.2", {"store": True, "metadata": {"n" * 70: "v" * 600}},
                 {"store": True, "metadata": {"n" * 64: "v" * 512}}, "metadata was cut", id="long metadata"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "extra", "expected", "warning"), CHAT)
def test_chat_completions_get_what_they_take(
    model: str, extra: dict[str, Any], expected: dict[str, Any], warning: str | None
) -> None:
    path, body, warnings = sent(model, extra)
    assert path == "/chat/completions"
    assert body == expected
    assert not warnings if warning is None else any(warning in each for each in warnings)


def test_a_limit_of_both_names_is_sent_once() -> None:
    """OpenAI refuses the two together."""
    _, body, _ = sent("o3", {"max_tokens": 100}, max_tokens=50, reasoning_tokens=0)
    assert body == {"max_completion_tokens": 100}


RESPONSES = [
    pytest.param("gpt-4o", {"max_output_tokens": 1}, {"max_output_tokens": 16}, "raised from 1 to 16",
                 id="https://github.com/earendil-works/pi/issues/6265"),
    pytest.param("gpt-5-codex", {"text": {"verbosity": "low"}}, {}, "verbosity 'low' was dropped",
                 id="https://github.com/openai/codex/issues/19188"),
    pytest.param("gpt-5", {"reasoning": {"effort": "none", "summary": "auto"}},
                 {"reasoning": {"effort": "minimal", "summary": "auto"}}, "'none' became 'minimal'", id="an effort"),
    pytest.param("gpt-4o", {"reasoning": {"effort": "low"}}, {}, "does not reason", id="a model without reasoning"),
    pytest.param("gpt-4o", {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}},
                 {"text": {"format": {"type": "json_schema", "name": "n", "strict": False, "schema": {"type": "object", "properties": {}}}}},
                 None, id="a format under the name of chat completions"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "extra", "expected", "warning"), RESPONSES)
def test_the_responses_api_gets_what_it_takes(
    model: str, extra: dict[str, Any], expected: dict[str, Any], warning: str | None
) -> None:
    path, body, warnings = sent(model, {"api": "responses", **extra})
    assert path == "/responses"
    assert {name: body[name] for name in body.keys() - {"store", "include"}} == expected
    assert not warnings if warning is None else any(warning in each for each in warnings)


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("name", ["prompt_cache_key", "safety_identifier", "user"])
def test_an_id_that_is_too_long_is_a_digest(name: str, api: str) -> None:
    """https://github.com/theopenco/llmgateway/pull/3110"""
    _, body, warnings = sent("gpt-5", {"api": api, name: LONG})
    _, other, _ = sent("gpt-5", {"api": api, name: LONG + "t"})
    assert len(body[name]) == len(other[name]) == 64
    assert body[name] != other[name]
    assert warnings == (f"{name} was sent as a digest: OpenAI takes 64 characters at most",)


def test_a_cache_key_of_the_request_is_held_to_its_length() -> None:
    """https://github.com/earendil-works/pi/issues/4720"""
    _, body, _ = sent("gpt-5", {}, cache={"key": LONG})
    assert len(body["prompt_cache_key"]) == 64


ALONE = [("previous_response_id", "resp_1"), ("conversation", "conv_1"), ("prompt", {"id": "p"}), ("truncation", "auto"),
         ("background", True), ("max_tool_calls", 3), ("instructions", "i"), ("reasoning", {"summary": "auto"})]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ALONE)
def test_a_parameter_of_the_responses_api_takes_the_call_there(name: str, value: object) -> None:
    path, body, _ = sent("gpt-5.2", {name: value})
    assert path == "/responses"
    assert body[name] == value


@pytest.mark.parametrize(
    ("model", "host"),
    [("gpt-5.2", "gateway.example"), ("mistral-large", OpenAI), ("gpt-4o-audio-preview", OpenAI)],
)
def test_other_hosts_and_models_of_chat_alone_keep_chat(model: str, host: str) -> None:
    path, _, _ = sent(model, {"previous_response_id": "resp_1"}, host=host)
    assert path == "/chat/completions"


def test_other_hosts_get_what_was_asked() -> None:
    extra = {
        "max_tokens": 9,
        "verbosity": "low",
        "reasoning_effort": "max",
        "user": LONG,
        "prompt_cache_key": LONG,
    }
    path, body, warnings = sent("gpt-4o", extra, host="gateway.example")
    assert (path, body, warnings) == ("/chat/completions", extra, ())


def test_functions_among_the_extra_parameters_go_where_they_are_taken() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    path, body, _ = sent("gpt-5.5", {"tools": [tool]})
    assert path == "/responses"
    assert body["tools"][0]["name"] == "f"
