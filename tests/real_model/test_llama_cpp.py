"""llmring against llama.cpp's server with SmolLM2-135M: what a real server does, and not what we think that it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from llmring import EmbeddingRequest, LLMRequest, LLMResponse, LLMRing, Message
from llmring.exceptions import ModelNotFoundError
from llmring_providers.local import MODEL, Endpoint, ServerProcess, find_weights

pytestmark = pytest.mark.real_model
HELLO = [Message(role="user", content="Say hello to Ada.")]
ENDLESS = {"ignore_eos": True}  # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    process = ServerProcess(find_weights(), MODEL)
    yield process.start()
    process.stop()


@pytest.fixture
async def ring(server: Endpoint) -> AsyncIterator[LLMRing]:
    """A ring for which OpenAI and Anthropic are at the server's address."""
    async with LLMRing() as ring:
        ring.register_provider("openai", base_url=f"{server.address}/v1", api_key=server.api_key)
        ring.register_provider("anthropic", base_url=server.address, api_key=server.api_key)
        yield ring


def hello(provider: str = "openai", **more: object) -> LLMRequest:
    return LLMRequest(HELLO, **{"model": f"{provider}:{MODEL}", "max_tokens": 24, "temperature": 0.0, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_an_answer_has_text_and_counted_tokens(ring: LLMRing, provider: str) -> None:
    response = await ring.chat(hello(provider))
    assert response.content.strip()
    assert response.finish_reason in ("stop", "length")
    assert response.usage is not None
    assert 0 < response.usage["completion_tokens"] <= 24
    assert response.usage["prompt_tokens"] >= 30  # its template adds a system prompt of its own


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_stream_brings_the_same_text_as_a_whole_answer(ring: LLMRing, provider: str) -> None:
    whole = await ring.chat(hello(provider))
    chunks = [chunk async for chunk in ring.chat_stream(hello(provider))]
    assert "".join(chunk.delta for chunk in chunks) == whole.content
    assert sum(bool(chunk.delta) for chunk in chunks) > 3, "in pieces, and not all at the end"
    assert chunks[-1].finish_reason == whole.finish_reason
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage["completion_tokens"] == whole.usage["completion_tokens"]


async def test_the_server_is_free_again_once_streams_are_left(ring: LLMRing) -> None:
    for _ in range(2):  # twice as many as the server has places
        for _ in range(4):
            stream = ring.chat_stream(hello(max_tokens=4000, extra_params=ENDLESS))
            async for _ in stream:
                break
            await stream.aclose()
    response = await ring.chat(hello(timeout=20))  # one of those that were left would take over a minute
    assert response.content


async def test_a_call_that_takes_too_long_is_cancelled_on_the_server_too(ring: LLMRing) -> None:
    with pytest.raises(TimeoutError):
        await ring.chat(hello(max_tokens=4000, extra_params=ENDLESS, timeout=1))
    assert (await ring.chat(hello(timeout=20))).content


async def test_four_calls_at_once_each_get_their_own_answer(ring: LLMRing) -> None:
    def asking(digit: int) -> LLMRequest:
        schema = {"type": "object", "properties": {"digit": {"const": digit}}, "required": ["digit"]}
        return hello(response_format={"type": "json_schema", "json_schema": {"name": "d", "schema": schema}})

    answers: list[LLMResponse] = await asyncio.gather(*(ring.chat(asking(digit)) for digit in range(4)))
    assert [json.loads(answer.content) for answer in answers] == [{"digit": digit} for digit in range(4)]


async def test_a_schema_is_kept_by_a_model_that_hardly_can_write(ring: LLMRing) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"enum": [1, 2, 3]}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = await ring.chat(
        hello(
            max_tokens=80,
            response_format={
                "type": "json_schema",
                "strict": True,
                "json_schema": {"name": "person", "schema": schema},
            },
        )
    )
    assert answer.parsed is not None
    assert set(answer.parsed) == {"name", "age"}


async def test_a_prompt_that_is_too_long_is_refused_as_such(ring: LLMRing) -> None:
    from llmring.exceptions import ProviderRequestTooLargeError

    with pytest.raises(ProviderRequestTooLargeError):
        await ring.chat(
            LLMRequest([Message(role="user", content="word " * 9000)], model=f"openai:{MODEL}", max_tokens=5)
        )


async def test_the_model_is_listed(ring: LLMRing) -> None:
    listed = await ring.providers["openai"].models()  # type: ignore[attr-defined]
    assert [facts.model for facts in listed] == [MODEL]


async def test_local_answers_without_any_setting() -> None:
    async with LLMRing() as ring:
        assert (await ring.chat(hello("local"))).model == f"local:{MODEL}"
        with pytest.raises(ModelNotFoundError, match=f"use local:{MODEL}"):
            await ring.chat(hello("local", model="local:gpt-5"))


@pytest.mark.parametrize("provider", ["openai", "local"])
async def test_texts_of_like_meaning_have_near_vectors(ring: LLMRing, provider: str) -> None:
    texts = ["A cat sleeps on the sofa.", "A kitten is asleep on a couch.", "def f(x): return x ** 2 + 1"]
    response = await ring.embed(EmbeddingRequest(texts, model=f"{provider}:{MODEL}"))
    assert response.dimensions == 576  # https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
    assert response.usage is not None
    assert response.usage["prompt_tokens"] > 10

    def nearness(one: int, other: int) -> float:
        pairs = zip(response.embeddings[one], response.embeddings[other], strict=True)
        return sum(left * right for left, right in pairs)

    assert nearness(0, 1) > nearness(0, 2)
    alone = await ring.embed(EmbeddingRequest(texts[1], model=f"{provider}:{MODEL}"))
    assert alone.embeddings[0] == pytest.approx(response.embeddings[1], abs=1e-2)
