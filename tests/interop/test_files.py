"""Files through the vendors' SDKs and through llmring: the same requests on the wire, the same files read."""

import io
import re
from collections.abc import Awaitable, Callable, Mapping

import anthropic
import msgspec
import openai
import pytest
from google import genai
from google.genai import types
from llmring import LLMRing
from llmring.testing import Received, Simulator
from llmring_providers.files import FileUpload, KeepsFiles

NAME, KIND, DATA = "report.pdf", "application/pdf", b"%PDF-1.4\r\n\xff\0--\r\n\r\n%%EOF\n"
Use = Callable[[str], Awaitable[tuple[str, list[str]]]]
"""Uploads the file, lists files, deletes the file; returns its id and the ids listed."""


async def with_openai(base_url: str) -> tuple[str, list[str]]:
    async with openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0) as client:
        made = await client.files.create(file=(NAME, DATA, KIND), purpose="user_data")
        assert (await client.files.retrieve(made.id)).bytes == len(DATA)
        listed = [file.id async for file in client.files.list()]
        assert (await client.files.delete(made.id)).deleted
    return made.id, listed


async def with_anthropic(base_url: str) -> tuple[str, list[str]]:
    async with anthropic.AsyncAnthropic(api_key="k", base_url=base_url, max_retries=0) as client:
        betas: list[anthropic.types.AnthropicBetaParam] = ["files-api-2025-04-14"]
        made = await client.beta.files.upload(file=(NAME, DATA, KIND), betas=betas)
        assert (await client.beta.files.retrieve_metadata(made.id, betas=betas)).size_bytes == len(DATA)
        listed = [file.id async for file in client.beta.files.list(betas=betas)]
        assert (await client.beta.files.delete(made.id, betas=betas)).id == made.id
    return made.id, listed


async def with_google(base_url: str) -> tuple[str, list[str]]:
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base_url))
    try:
        config = types.UploadFileConfig(display_name=NAME, mime_type=KIND)
        made = await client.aio.files.upload(file=io.BytesIO(DATA), config=config)
        assert (await client.aio.files.get(name=made.name or "")).size_bytes == len(DATA)
        listed = [file.name or "" async for file in await client.aio.files.list()]
        await client.aio.files.delete(name=made.name or "")
    finally:
        await client.aio.aclose()
    return made.name or "", listed


SDKS: Mapping[str, Use] = {"openai": with_openai, "anthropic": with_anthropic, "google": with_google}


async def with_llmring(name: str, base_url: str) -> tuple[str, list[str]]:
    async with LLMRing() as ring:
        ring.register_provider(name, base_url=base_url, api_key="k")
        provider: object = ring.get_provider(name)
        assert isinstance(provider, KeepsFiles)
        made = await provider.upload_file(FileUpload(NAME, KIND, DATA))
        found = await provider.get_file(made.id)
        assert found == made
        listed = [file.id for file in await provider.list_files()]
        assert await provider.delete_file(made.id) is True
        assert await provider.delete_file(made.id) is False
        assert await provider.get_file(made.id) is None
    return made.id, listed


Shown = tuple[str, str, Mapping[str, str], bytes]


def shown(received: Received) -> Shown:
    """Return what counts of a request: neither ids nor the boundary of a form, nor the version of an API."""
    headers = {
        name: value
        for name, value in received.headers.items()
        if name.startswith(("x-goog-upload", "anthropic-beta"))
    }
    headers.pop("x-goog-upload-header-content-length", None)  # Google's SDK repeats them
    headers.pop("x-goog-upload-header-content-type", None)
    path = re.sub(r"file_\d+", "ID", received.path.partition("?")[0]).replace("/v1beta/", "/v1/")
    boundary = received.headers.get("content-type", "").partition("boundary=")[2].strip('"')
    body = received.body.replace(boundary.encode(), b"BOUNDARY") if boundary else received.body
    if body[:1] == b"{":
        body = msgspec.json.format(body, indent=-1)
    return received.method, path, headers, body


@pytest.mark.parametrize("name", SDKS)
async def test_both_use_files_with_the_same_requests(name: str) -> None:
    sent: list[list[Shown]] = []
    for use in (SDKS[name], lambda url: with_llmring(name, url)):
        async with Simulator() as simulator:
            file_id, listed = await use(simulator.base_url(name))
            assert listed == [file_id]
            assert list(simulator.files) == []
        sent.append([shown(each) for each in simulator.requests])
    theirs, ours = sent
    assert ours[: len(theirs)] == theirs


@pytest.mark.parametrize("name", SDKS)
async def test_the_content_of_an_upload_arrives_whole(name: str) -> None:
    async with Simulator() as simulator, LLMRing() as ring:
        ring.register_provider(name, base_url=simulator.base_url(name), api_key="k")
        provider: object = ring.get_provider(name)
        assert isinstance(provider, KeepsFiles)
        await provider.upload_file(FileUpload(NAME, KIND, DATA))
        (kept,) = simulator.files
    assert (kept.name, kept.media_type, kept.data) == (NAME, KIND, DATA)
