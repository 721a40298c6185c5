"""Batches through the vendors' SDKs and through llmring: the same requests on the wire, the same answers read."""

import io
import re
from collections.abc import Awaitable, Callable, Mapping

import anthropic
import msgspec
import openai
import pytest
from google import genai
from google.genai import types
from llmring import LLMRequest, LLMRing, Message
from llmring.testing import Answer, Received, Rule, Script, Simulator
from llmring_providers import ChatCall
from llmring_providers.batches import RunsBatches
from llmring_types import ModelRef

LABEL = "lr-test"
KEYS = ("a", "b", "c")
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "google": "gemini-2.5-flash"}
SCRIPT = Script(tuple(Rule(contains=f"<{key}>", answer=Answer(text=f"answer {key}")) for key in KEYS))
ANSWERS = {key: f"answer {key}" for key in KEYS}
Use = Callable[[str, int], Awaitable[Mapping[str, str]]]
"""Submits a batch of so many copies of the three requests, looks at it, and returns the answers to the first three."""


def text_of(key: str) -> str:
    return f"What is <{key}>?"


def keys_of(copies: int) -> list[str]:
    return [key if copy == 0 else f"{key}-{copy}" for copy in range(copies) for key in KEYS]


async def with_openai(base_url: str, copies: int) -> Mapping[str, str]:
    lines = [
        {
            "custom_id": key,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": MODELS["openai"],
                "messages": [{"role": "user", "content": text_of(key[:1])}],
                "max_tokens": 50,
            },
        }
        for key in keys_of(copies)
    ]
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    async with openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0) as client:
        file = await client.files.create(file=(f"{LABEL}.jsonl", data, "application/jsonl"), purpose="batch")
        made = await client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"llmring": LABEL},
        )
        found = await client.batches.retrieve(made.id)
        assert found.status == "completed"
        content = await client.files.content(found.output_file_id or "")
        assert [each.id async for each in client.batches.list(limit=100)] == [made.id]
    read = [msgspec.json.decode(line) for line in content.content.splitlines()]
    return {
        each["custom_id"]: each["response"]["body"]["choices"][0]["message"]["content"]
        for each in read
        if each["custom_id"] in KEYS
    }


async def with_anthropic(base_url: str, copies: int) -> Mapping[str, str]:
    requests: list[anthropic.types.messages.batch_create_params.Request] = [
        {
            "custom_id": key,
            "params": {
                "model": MODELS["anthropic"],
                "messages": [{"role": "user", "content": text_of(key[:1])}],
                "max_tokens": 50,
            },
        }
        for key in keys_of(copies)
    ]
    answers = {}
    async with anthropic.AsyncAnthropic(api_key="k", base_url=base_url, max_retries=0) as client:
        made = await client.messages.batches.create(requests=requests)
        found = await client.messages.batches.retrieve(made.id)
        assert found.processing_status == "ended"
        assert found.request_counts.succeeded == len(KEYS) * copies
        async for each in await client.messages.batches.results(made.id):
            assert each.result.type == "succeeded"
            (block,) = each.result.message.content
            assert block.type == "text"
            answers[each.custom_id] = block.text
        listed = [each.id async for each in client.messages.batches.list(limit=1000)]
        assert listed == [made.id]
    return {key: answers[key] for key in KEYS}


async def with_google(base_url: str, copies: int) -> Mapping[str, str]:
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base_url))
    contents = {key: [{"parts": [{"text": text_of(key[:1])}], "role": "user"}] for key in keys_of(copies)}
    limit = {"maxOutputTokens": 50}
    try:
        source: types.BatchJobSource
        if copies == 1:
            requests = [
                types.InlinedRequest.model_validate(
                    {"contents": content, "metadata": {"key": key}, "config": {"max_output_tokens": 50}}
                )
                for key, content in contents.items()
            ]
            source = types.BatchJobSource(inlined_requests=requests)
        else:
            lines = [
                {"key": key, "request": {"contents": content, "generationConfig": limit}}
                for key, content in contents.items()
            ]
            data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
            config = types.UploadFileConfig(display_name=f"{LABEL}.jsonl", mime_type="application/jsonl")
            file = await client.aio.files.upload(file=io.BytesIO(data), config=config)
            source = types.BatchJobSource(file_name=file.name)
        made = await client.aio.batches.create(
            model=MODELS["google"], src=source, config=types.CreateBatchJobConfig(display_name=LABEL)
        )
        found = await client.aio.batches.get(name=made.name or "")
        assert found.done
        answers = await google_answers(client, found)
        listed = [each.name async for each in await client.aio.batches.list(config={"page_size": 100})]
        assert listed == [made.name]
    finally:
        await client.aio.aclose()
    return {key: answers[key] for key in KEYS}


async def google_answers(client: genai.Client, job: types.BatchJob) -> dict[str, str]:
    assert job.dest is not None
    if job.dest.file_name is None:
        return {
            (each.metadata or {})["key"]: (each.response and each.response.text) or ""
            for each in job.dest.inlined_responses or ()
        }
    data = await client.aio.files.download(file=job.dest.file_name)
    read = [msgspec.json.decode(line) for line in data.splitlines()]
    return {each["key"]: each["response"]["candidates"][0]["content"]["parts"][0]["text"] for each in read}


async def with_llmring(name: str, base_url: str, copies: int) -> Mapping[str, str]:
    ref = ModelRef(name, MODELS[name])
    calls = {
        key: ChatCall(LLMRequest([Message(role="user", content=text_of(key[:1]))], max_tokens=50), ref)
        for key in keys_of(copies)
    }
    async with LLMRing() as ring:
        ring.register_provider(name, base_url=base_url, api_key="k")
        provider: object = ring.get_provider(name)
        assert isinstance(provider, RunsBatches)
        batches = provider.batches()
        assert batches is not None
        wires = {key: batches.request(call) for key, call in calls.items()}
        lines = [batches.line(calls[key], wires[key], key) for key in calls]
        made = await batches.submit([line.data for line in lines], lines[0].group, LABEL)
        found = await batches.get(made.id)
        assert found is not None
        assert found.state == "completed"
        answers = {
            result.key: batches.answer(calls[result.key], wires[result.key], result)
            async for result in batches.read(found, at_most=len(calls))
        }
        assert [each.id async for each in batches.list_all()] == [made.id]
        assert await batches.cancel("nobody-knows-it") is False
        assert await batches.get("nobody-knows-it") is None
    assert all((answer.usage or {}).get("service_tier") == "batch" for answer in answers.values())
    assert set(answers) == set(calls)
    return {key: answers[key].content for key in KEYS}


SDKS: Mapping[str, Use] = {"openai": with_openai, "anthropic": with_anthropic, "google": with_google}
Shown = tuple[str, str, tuple[bytes, ...]]


def shown(received: Received) -> Shown:
    """Return what counts of a request: neither ids nor the boundary of a form, nor the order of fields."""
    path = re.sub(r"(file_|batch_|batches/|output-)\d+", r"\1ID", received.path).replace("/v1beta/", "/v1/")
    path = re.sub(r"upload_id=\w+", "upload_id=ID", path)
    boundary = received.headers.get("content-type", "").partition("boundary=")[2].strip('"')
    body = received.body.replace(boundary.encode(), b"BOUNDARY") if boundary else received.body
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return received.method, path, tuple(read(line) for line in lines)


def read(line: bytes) -> bytes:
    try:
        document = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return line
    request = document.get("request") if isinstance(document, dict) else None
    if isinstance(request, dict):
        request.pop("model", None)
    return re.sub(rb"(file_)\d+", rb"\1ID", msgspec.json.encode(document, order="sorted"))


@pytest.mark.parametrize("copies", [1, 60], ids=["few", "many"])
@pytest.mark.parametrize("name", SDKS)
async def test_both_run_batches_with_the_same_requests(name: str, copies: int) -> None:
    sent: list[list[Shown]] = []
    for use in (SDKS[name], lambda url, copies: with_llmring(name, url, copies)):
        async with Simulator(SCRIPT) as simulator:
            assert await use(simulator.base_url(name), copies) == ANSWERS
        sent.append([shown(each) for each in simulator.requests])
    theirs, ours = sent
    own = [each for each in ours if "nobody" not in each[1]]
    assert list(dict.fromkeys(own)) == list(dict.fromkeys(theirs))  # Anthropic's SDK looks twice
