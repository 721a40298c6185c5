"""The vendors' official SDKs against a gateway, over real HTTP, used as against their own vendor."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import anthropic
import ollama
import openai
import pytest
from gateways import HELLO, serving
from google import genai
from google.genai import errors, types
from llmring.serve import KeyStore
from llmring_providers.sim import Answer, Call, Rule, faults
from pydantic import BaseModel

FOLDER = Path(__file__).parent / "gateway"
TEXT = "Good morning to you"
CITY: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
RULES = (
    Rule(model="calls", answer=Answer(tool_calls=(Call(name="weather", arguments={"city": "Rome"}),))),
    Rule(model="cut", answer=Answer(text=TEXT, chunk_size=4), fault=faults.Cut(after=3)),
    Rule(model="slow", answer=Answer(text=TEXT * 1000, chunk_size=4, pace=0.01)),
    Rule(model="json", answer=Answer(json={"city": "Rome"})),
    Rule(answer=Answer(text=TEXT, chunk_size=5)),
)
CUT = "the stream ended before the model had finished"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Place(BaseModel):
    city: str


class Gateway:
    """A served gateway.

    Attributes:
        url: without a path.
        key: for the aliases of these tests.
    """

    def __init__(self, url: str, key: str, endings: "Queue[str]") -> None:
        self.url = url
        self.key = key
        self._endings = endings

    async def ended(self) -> str:
        """Wait for the end of a call."""
        return await asyncio.to_thread(self._endings.get, timeout=10)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    endings: Queue[str] = Queue()
    with KeyStore(tmp_path / "serve.db") as keys:
        key = keys.create(profile="sdks", budget="1").secret
        with serving(*RULES, keys=keys, observers=[lambda record: endings.put(record.ending)]) as url:
            yield Gateway(url, key, endings)


async def test_openai(gateway: Gateway) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        messages: Any = HELLO
        chat = client.chat.completions
        whole = await chat.create(model="fast", messages=messages)
        assert whole.choices[0].message.content == TEXT
        stream = await chat.create(
            model="fast", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
        assert chunks[-1].usage is not None
        tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": CITY}}]
        called = await chat.create(model="calls", messages=messages, tools=tools)
        assert called.choices[0].message.tool_calls is not None
        function: Any = called.choices[0].message.tool_calls[0]
        assert json.loads(function.function.arguments) == {"city": "Rome"}
        parsed = await chat.parse(model="json", messages=messages, response_format=Place)
        assert parsed.choices[0].message.parsed == Place(city="Rome")
        assert (await client.responses.create(model="fast", input="Hello")).output_text == TEXT
        assert {model.id async for model in client.models.list()} == {"fast", "calls", "cut", "slow", "json"}
        with pytest.raises(openai.NotFoundError):
            await chat.create(model="none", messages=messages)
        with pytest.raises(openai.APIError, match=CUT):
            [each async for each in await chat.create(model="cut", messages=messages, stream=True)]
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.chat.completions.create(model="fast", messages=messages)


async def test_anthropic(gateway: Gateway) -> None:
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        asked: Any = {"model": "fast", "max_tokens": 100, "messages": HELLO}
        whole = await client.messages.create(**asked)
        assert [block.text for block in whole.content if block.type == "text"] == [TEXT]
        async with client.messages.stream(**asked) as stream:
            assert await stream.get_final_text() == TEXT
        called = await client.messages.create(
            **{**asked, "model": "calls"}, tools=[{"name": "weather", "input_schema": CITY}]
        )
        assert [block.input for block in called.content if block.type == "tool_use"] == [{"city": "Rome"}]
        assert (await client.messages.count_tokens(model="fast", messages=asked["messages"])).input_tokens > 0
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.create(**{**asked, "model": "none"})
        with pytest.raises(anthropic.APIError, match=CUT):
            async with client.messages.stream(**{**asked, "model": "cut"}) as stream:
                await stream.get_final_text()


async def test_google(gateway: Gateway) -> None:
    client = genai.Client(
        api_key=gateway.key, vertexai=False, http_options=types.HttpOptions(base_url=gateway.url)
    )
    models = client.aio.models
    assert (await models.generate_content(model="fast", contents="Hello")).text == TEXT
    stream = await models.generate_content_stream(model="fast", contents="Hello")
    assert "".join([chunk.text or "" async for chunk in stream]) == TEXT
    weather = types.FunctionDeclaration(name="weather", parameters_json_schema=CITY)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
    called = await models.generate_content(model="calls", contents="Hello", config=config)
    assert called.function_calls is not None
    assert called.function_calls[0].args == {"city": "Rome"}
    as_json = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    parsed = await models.generate_content(model="json", contents="Hello", config=as_json)
    assert parsed.parsed == Place(city="Rome")
    assert (await models.count_tokens(model="fast", contents="Hello")).total_tokens
    with pytest.raises(errors.ClientError, match="404"):
        await models.generate_content(model="none", contents="Hello")
    await client.aio.aclose()
    client.close()


async def test_ollama(gateway: Gateway) -> None:
    headers = {"authorization": f"Bearer {gateway.key}"}
    async with ollama.AsyncClient(host=gateway.url, headers=headers) as client:
        assert (await client.chat("fast", HELLO)).message.content == TEXT
        stream = await client.chat("fast", HELLO, stream=True)
        assert "".join([part.message.content or "" async for part in stream]) == TEXT
        tool: Any = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
        called = await client.chat("calls", HELLO, tools=[tool])
        assert called.message.tool_calls is not None
        assert called.message.tool_calls[0].function.arguments == {"city": "Rome"}
        as_json = await client.chat("json", HELLO, format=Place.model_json_schema())
        assert Place.model_validate_json(as_json.message.content or "") == Place(city="Rome")
        assert {model.model for model in (await client.list()).models} >= {"fast", "calls"}
        with pytest.raises(ollama.ResponseError) as caught:
            await client.chat("none", HELLO)
        assert caught.value.status_code == 404
        with pytest.raises(ollama.ResponseError, match=CUT):
            [each async for each in await client.chat("cut", HELLO, stream=True)]


async def test_a_client_that_cancels_ends_the_call_upstream(gateway: Gateway) -> None:
    messages: Any = HELLO
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key) as client:
        stream = await client.chat.completions.create(model="slow", messages=messages, stream=True)
        await anext(aiter(stream))
        await stream.close()
        assert await gateway.ended() == "aborted"


def test_the_sdks_for_javascript(gateway: Gateway) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        problem = f"needs Node.js, and 'npm ci' in {FOLDER.name}"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    run = [node, "sdks.mjs", gateway.url, gateway.key]
    done = subprocess.run(run, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("tokens") > 0
    assert json.loads(found.pop("call")["arguments"]) == {"city": "Rome"}
    assert CUT in found.pop("cut")
    assert CUT in found.pop("messageCut")
    assert found == {
        "chat": TEXT,
        "streamed": TEXT,
        "response": TEXT,
        "models": ["calls", "cut", "fast", "json", "slow"],
        "error": ["NotFoundError", 404],
        "message": TEXT,
        "messageStreamed": TEXT,
        "use": {"city": "Rome"},
        "messageError": ["NotFoundError", 404],
    }
