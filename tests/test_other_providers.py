"""Providers that do not come with llmring, through the ring: of an installed package, and around SDK clients."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import openai
from llmring import LLMRequest, LLMRing, Message
from llmring_providers.testing import FakeProvider

HELLO = [Message(role="user", content="Hello")]
PROVIDER = """
from llmring_providers.testing import FakeProvider

def create(settings):
    return FakeProvider(f"with {settings.api_key}", name=settings.name)
"""
PROGRAM = """
import asyncio
from llmring import LLMRequest, LLMRing, Message

async def main():
    async with LLMRing() as ring:
        request = LLMRequest(model="acme:small", messages=[Message(role="user", content="Hello")])
        response = await ring.chat(request)
        print(response.model, response.content, "+".join([c.delta async for c in ring.chat_stream(request)]))

asyncio.run(main())
"""


def test_an_installed_package_brings_a_provider(tmp_path: Path) -> None:
    (tmp_path / "acme_llm.py").write_text(PROVIDER)
    info = tmp_path / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[llmring.providers]\nacme = acme_llm:create\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "ACME_API_KEY": "k"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "acme:small with k with +k+\n", done.stderr


async def test_a_client_of_the_users_own_carries_chat() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        choices = [{"message": {"content": "Hi"}, "finish_reason": "stop"}]
        return httpx2.Response(200, json={"model": "gpt-4o", "choices": choices})

    client = openai.AsyncAzureOpenAI(
        api_key="k",
        azure_endpoint="https://azure.test",
        api_version="2026-01-01",
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(handler)),
    )
    async with client:
        async with LLMRing() as ring:
            ring.register_provider("openai", client=client)
            response = await ring.chat(LLMRequest(model="openai:my-deployment", messages=HELLO))
            assert response.content == "Hi"
            assert getattr(ring.get_provider("openai"), "client", None) is client
        assert not client.is_closed()
    [request] = seen
    assert str(request.url) == (
        "https://azure.test/openai/deployments/my-deployment/chat/completions?api-version=2026-01-01"
    )
    assert json.loads(request.content)["messages"] == [{"role": "user", "content": "Hello"}]


async def test_an_object_of_the_users_own_is_a_provider() -> None:
    fake = FakeProvider("Hi", name="acme")
    async with LLMRing() as ring:
        ring.register_provider("acme", fake)
        response = await ring.chat(LLMRequest(model="acme:small", messages=HELLO))
    assert (response.content, response.model) == ("Hi", "acme:small")
    assert [call.request.messages for call in fake.calls] == [HELLO]
    assert fake.closed
