"""Embeddings through the vendors' SDKs and through llmring: the same JSON on the wire, the same vectors read."""

from collections.abc import Awaitable, Callable

import ollama
import openai
import pytest
from canned import Answer, Server
from google import genai
from google.genai import types
from llmring import EmbeddingRequest, LLMRing
from llmring.testing import Simulator

TEXTS = ["a green house", "the capital of France"]
Embed = Callable[[str], Awaitable[list[list[float]]]]


async def with_openai(base_url: str) -> list[list[float]]:
    async with openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0) as client:
        answer = await client.embeddings.create(model="m", input=TEXTS, dimensions=4)
        return [item.embedding for item in answer.data]


async def with_google(base_url: str) -> list[list[float]]:
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base_url))
    config = types.EmbedContentConfig(output_dimensionality=4, task_type="RETRIEVAL_DOCUMENT")
    try:
        answer = await client.aio.models.embed_content(model="m", contents=list(TEXTS), config=config)
    finally:
        await client.aio.aclose()
    return [item.values or [] for item in answer.embeddings or []]


async def with_ollama(base_url: str) -> list[list[float]]:
    client = ollama.AsyncClient(host=base_url)
    try:
        answer = await client.embed(model="m", input=TEXTS, truncate=False, dimensions=4)
    finally:
        await client.close()  # type: ignore[no-untyped-call]
    return [list(row) for row in answer.embeddings]


SDKS: dict[str, Embed] = {"openai": with_openai, "google": with_google, "ollama": with_ollama}


async def with_llmring(name: str, base_url: str) -> list[list[float]]:
    async with LLMRing() as ring:
        ring.register_provider(name, base_url=base_url, api_key="k")
        request = EmbeddingRequest(TEXTS, model=f"{name}:m", dimensions=4, purpose="document")
        return (await ring.embed(request)).embeddings


@pytest.mark.parametrize("name", SDKS)
async def test_both_read_the_same_vectors(name: str) -> None:
    async with Simulator() as simulator:
        base_url = simulator.base_url(name)
        ours, theirs = await with_llmring(name, base_url), await SDKS[name](base_url)
    assert len(ours) == 2
    assert ours == theirs


@pytest.mark.parametrize("name", SDKS)
async def test_both_put_the_same_json_on_the_wire(name: str) -> None:
    async with Server() as server:
        server.answers = [Answer(b'{"error": {"message": "no", "code": 400}}', 400)]
        base_url = f"{server.url}/v1" if name == "openai" else server.url
        for embed in (SDKS[name](base_url), with_llmring(name, base_url)):
            with pytest.raises(Exception, match="no"):
                await embed
        theirs, ours = server.asked
    assert ours == theirs
