"""The simulator through the vendors' own clients, which read it as they read the real hosts."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from llmring.testing import Answer, Call, Rule, Script, Simulator, Tokens, faults

ANSWER = Answer(
    text="It is 17 degrees, says the “thermometer”.",
    reasoning="Let me look it up.",
    tool_calls=(Call("get_weather", {"city": "Rome", "days": [1, 2]}),),
    usage=Tokens(prompt_tokens=50, completion_tokens=20, cache_read_input_tokens=30, reasoning_tokens=5),
)
SCRIPT = Script(
    rules=(
        Rule(model="busy", fault=faults.Status(status=429, retry_after=3)),
        Rule(model="failing", stream=True, fault=faults.ErrorEvent(after=2, message="Out of luck.")),
        Rule(answer=ANSWER),
    )
)
QUESTION: Any = [{"role": "user", "content": "What is the weather?"}]
ARGUMENTS = {"city": "Rome", "days": [1, 2]}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SCRIPT) as running:
        yield running


async def test_openais_sdk_talks_to_chat_completions(simulator: Simulator) -> None:
    import openai

    async with openai.AsyncOpenAI(
        base_url=simulator.base_url("openai"), api_key="k", max_retries=0
    ) as client:
        whole = await client.chat.completions.create(model="m", messages=QUESTION)
        async with client.chat.completions.stream(
            model="m", messages=QUESTION, stream_options={"include_usage": True}
        ) as stream:
            joined = await stream.get_final_completion()
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="busy", messages=QUESTION)
        with pytest.raises(openai.APIError, match=r"Out of luck\."):
            async for _ in await client.chat.completions.create(
                model="failing", messages=QUESTION, stream=True
            ):
                pass
        names = [model.id async for model in client.models.list()]

    completions: list[Any] = [whole, joined]
    for completion in completions:
        message, usage = completion.choices[0].message, completion.usage
        assert message.content == ANSWER.text
        assert message.tool_calls is not None
        assert json.loads(message.tool_calls[0].function.arguments) == ARGUMENTS
        assert completion.choices[0].finish_reason == "tool_calls"
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (50, 20, 70)
    assert caught.value.response.headers["retry-after"] == "3"
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.request_id is not None
    assert names == ["busy", "failing", "demo"]


async def test_openais_sdk_talks_to_the_responses_api(simulator: Simulator) -> None:
    import openai

    async with openai.AsyncOpenAI(
        base_url=simulator.base_url("openai"), api_key="k", max_retries=0
    ) as client:
        whole = await client.responses.create(model="m", input="What is the weather?")
        async with client.responses.stream(model="m", input="What is the weather?") as stream:
            joined = await stream.get_final_response()
        with pytest.raises(openai.RateLimitError):
            await client.responses.create(model="busy", input="What is the weather?")

    responses: list[Any] = [whole, joined]
    for response in responses:
        reasoning, _, call = response.output
        assert response.status == "completed"
        assert response.output_text == ANSWER.text
        assert reasoning.type == "reasoning"
        assert reasoning.summary[0].text == ANSWER.reasoning
        assert call.type == "function_call"
        assert json.loads(call.arguments) == ARGUMENTS
        assert response.usage is not None
        assert (response.usage.input_tokens, response.usage.output_tokens) == (50, 20)
        assert response.usage.output_tokens_details.reasoning_tokens == 5


async def test_anthropics_sdk_talks_to_it(simulator: Simulator) -> None:
    import anthropic

    question: Any = {"model": "m", "max_tokens": 100, "messages": QUESTION}
    async with anthropic.AsyncAnthropic(
        base_url=simulator.base_url("anthropic"), api_key="k", max_retries=0
    ) as client:
        whole = await client.messages.create(**question)
        async with client.messages.stream(**question) as stream:
            joined = await stream.get_final_message()
        with pytest.raises(anthropic.RateLimitError) as caught:
            await client.messages.create(**{**question, "model": "busy"})
        with pytest.raises(anthropic.APIStatusError, match=r"Out of luck\."):
            async with client.messages.stream(**{**question, "model": "failing"}) as stream:
                await stream.get_final_message()
        names = [model.id async for model in client.models.list()]

    messages: list[Any] = [whole, joined]
    for message in messages:
        thinking, text, call = message.content
        assert thinking.type == "thinking"
        assert thinking.thinking == ANSWER.reasoning
        assert thinking.signature
        assert text.type == "text"
        assert text.text == ANSWER.text
        assert call.type == "tool_use"
        assert call.input == ARGUMENTS
        assert message.stop_reason == "tool_use"
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (20, 30)
        assert message.usage.output_tokens == 20
    assert caught.value.response.headers["retry-after"] == "3"
    assert names == ["busy", "failing", "demo"]


async def test_googles_sdk_talks_to_it(simulator: Simulator) -> None:
    from google import genai

    client = genai.Client(api_key="k", http_options={"base_url": simulator.base_url("google")})
    async with client.aio as google:
        whole = await google.models.generate_content(model="m", contents="What is the weather?")
        stream = await google.models.generate_content_stream(model="m", contents="What is the weather?")
        chunks = [chunk async for chunk in stream]
        with pytest.raises(genai.errors.ClientError) as caught:
            await google.models.generate_content(model="busy", contents="What is the weather?")
        names = [model.name async for model in await google.models.list()]

    said: list[list[Any]] = [[whole], chunks]
    for answers in said:
        parts = [part for answer in answers for part in _parts(answer)]
        assert "".join(part.text or "" for part in parts if not part.thought) == ANSWER.text
        assert "".join(part.text or "" for part in parts if part.thought) == ANSWER.reasoning
        assert [part.function_call.args for part in parts if part.function_call] == [ARGUMENTS]
        usage = answers[-1].usage_metadata
        assert usage is not None
        assert (usage.prompt_token_count, usage.cached_content_token_count) == (50, 30)
        assert (usage.candidates_token_count, usage.thoughts_token_count) == (15, 5)
    assert caught.value.status == "RESOURCE_EXHAUSTED"
    assert caught.value.details["error"]["details"][0]["retryDelay"] == "3s"
    assert names == ["models/busy", "models/failing", "models/demo"]


def _parts(answer: Any) -> list[Any]:
    return answer.candidates[0].content.parts or []


async def test_ollamas_sdk_talks_to_it(simulator: Simulator) -> None:
    import ollama

    async with ollama.AsyncClient(host=simulator.base_url("ollama")) as client:
        whole = await client.chat(model="m", messages=QUESTION)
        chunks = [chunk async for chunk in await client.chat(model="m", messages=QUESTION, stream=True)]
        with pytest.raises(ollama.ResponseError) as caught:
            await client.chat(model="busy", messages=QUESTION)
        with pytest.raises(ollama.ResponseError, match=r"Out of luck\."):
            async for _ in await client.chat(model="failing", messages=QUESTION, stream=True):
                pass
        names = [model.model for model in (await client.list()).models]

    said: list[list[Any]] = [[whole], chunks]
    for answers in said:
        messages = [answer.message for answer in answers]
        assert "".join(message.content or "" for message in messages) == ANSWER.text
        assert "".join(message.thinking or "" for message in messages) == ANSWER.reasoning
        calls = [call for message in messages for call in message.tool_calls or ()]
        assert [call.function.arguments for call in calls] == [ARGUMENTS]
        assert (answers[-1].done, answers[-1].done_reason) == (True, "stop")
        assert (answers[-1].prompt_eval_count, answers[-1].eval_count) == (50, 20)
    assert caught.value.status_code == 429
    assert names == ["busy", "failing", "demo"]
