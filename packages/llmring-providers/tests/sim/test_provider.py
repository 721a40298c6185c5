"""The provider ``sim``: the demo model through the same path as the real ones."""

import json
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.sim import SimTransport, create
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}
CLOCK = {"name": "now", "parameters": {"type": "object", "properties": {}}}


def provider() -> HttpProvider:
    return create(ProviderSettings(name="sim", transport=SimTransport()))


def call(text: str = "Hello there", **more: Any) -> ChatCall:
    request = LLMRequest(messages=[Message(role="user", content=text)], **more)
    return ChatCall(request, ModelRef("sim", "demo"))


async def chunks_of(asked: ChatCall) -> list[StreamChunk]:
    stream = await provider().stream(asked)
    chunks: list[StreamChunk] = []
    while more := await stream.receive():
        chunks.extend(more)
    await stream.finish()
    return chunks


async def answer(asked: ChatCall) -> LLMResponse:
    return await provider().chat(asked)


def test_it_is_found_by_its_name() -> None:
    assert find_factory("sim") is create


async def test_it_says_that_it_is_simulated_what_was_asked_and_how_to_get_a_real_answer() -> None:
    response = await answer(call("Which way is north?"))

    assert "simulated" in response.content
    assert "Which way is north?" in response.content
    for words in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GEMINI_API_KEY", "Ollama", "llmring bind"):
        assert words in response.content
    assert response.model == "sim:demo"
    assert response.finish_reason == "stop"


async def test_usage_is_reported_and_adds_up() -> None:
    usage = (await answer(call())).usage

    assert usage is not None
    assert usage["prompt_tokens"] > 0
    assert usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize(
    "more", [{}, {"tools": [WEATHER], "tool_choice": "required"}, {"json_response": True}, {"max_tokens": 3}]
)
async def test_a_stream_says_the_same_as_a_whole_answer(more: dict[str, Any]) -> None:
    whole = await answer(call(**more))
    streamed = collect(await chunks_of(call(**more)))

    assert streamed.content == whole.content
    assert streamed.finish_reason == whole.finish_reason
    assert streamed.usage == whole.usage
    names = [one["function"] for one in streamed.tool_calls or ()]
    assert names == [one["function"] for one in whole.tool_calls or ()]


async def test_a_stream_comes_in_several_chunks() -> None:
    assert len(await chunks_of(call())) > 5


async def test_the_same_request_gets_the_same_answer() -> None:
    assert await answer(call()) == await answer(call())


async def test_max_tokens_cuts_the_answer_and_says_so() -> None:
    response = await answer(call(max_tokens=5))

    assert response.finish_reason == "length"
    assert response.usage is not None
    assert response.usage["completion_tokens"] == 5


async def test_a_stop_word_ends_the_answer_before_it() -> None:
    response = await answer(call(extra_params={"stop": ["answer"]}))

    assert response.content == "This is a simulated "
    assert response.finish_reason == "stop"


@pytest.mark.parametrize(
    ("text", "choice", "called"),
    [
        ("What is the weather?", "required", ["get_weather"]),
        ("What time is it?", "now", ["now"]),
        ("Use get_weather for Paris", None, ["get_weather"]),
        ("Use get_weather and now", "auto", ["get_weather", "now"]),
        ("What is the weather?", None, []),
        ("What do you know of snow?", None, []),
        ("Use get_weather", "none", []),
    ],
)
async def test_it_calls_the_tools_that_it_must_or_that_the_user_names(
    text: str, choice: str | None, called: list[str]
) -> None:
    response = await answer(call(text, tools=[WEATHER, CLOCK], tool_choice=choice))

    assert [one["function"]["name"] for one in response.tool_calls or ()] == called
    assert response.finish_reason == ("tool_calls" if called else "stop")


async def test_arguments_are_made_from_the_tools_schema() -> None:
    response = await answer(call(tools=[WEATHER], tool_choice="required"))

    assert response.tool_calls is not None
    assert json.loads(response.tool_calls[0]["function"]["arguments"]) == {"city": "city", "days": 1}


async def test_the_result_of_a_tool_is_in_the_answer_even_if_a_call_is_required() -> None:
    asked = call(tools=[WEATHER], tool_choice="required")
    first = await answer(asked)
    assert first.tool_calls is not None
    result = Message(role="tool", content="17 degrees", tool_call_id=first.tool_calls[0]["id"])
    asked.request.messages += [first.to_message(), result]

    second = await answer(asked)

    assert second.tool_calls is None
    assert "get_weather answered: 17 degrees" in second.content


async def test_a_schema_gets_a_valid_instance_and_json_mode_an_object() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    formed = await answer(call(response_format={"type": "json_schema", "json_schema": {"schema": schema}}))
    free = await answer(call(json_response=True))

    assert json.loads(formed.content) == {"n": 3}
    assert json.loads(free.content)["simulated"] is True


async def test_reasoning_comes_when_asked_for() -> None:
    assert (await answer(call())).reasoning is None
    assert (await answer(call(reasoning_effort="low"))).reasoning
