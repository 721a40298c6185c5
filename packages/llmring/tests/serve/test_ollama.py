"""The endpoints that clients of Ollama ask besides chat."""

import re
from typing import Any

import msgspec
from asgi import ask
from gateways import WORDS, ring_of, serving
from llmring.serve import app
from ollama import Client


async def test_a_prompt_of_ollama_is_a_chat_whole_and_streamed() -> None:
    seen: list[Any] = []
    body = {"model": "fast", "prompt": "Hello", "system": "Be brief.", "context": [1], "keep_alive": "5m"}
    async with ring_of(observers=[lambda record: seen.append(record.request.messages)]) as ring:
        gateway = app(ring)
        whole = await ask(gateway, "/api/generate", {**body, "stream": False})
        streamed = await ask(gateway, "/api/generate", body)
        refused = await ask(gateway, "/api/generate", {**body, "suffix": "}"})
    assert (whole.json["response"], whole.json["done"], "message" in whole.json) == (WORDS.text, True, False)
    assert whole.headers["llmring-unread"] == '"context"'
    lines = [msgspec.json.decode(line) for line in streamed.body.splitlines()]
    assert "".join(line["response"] for line in lines) == WORDS.text
    assert [line["done"] for line in lines[-2:]] == [False, True]
    assert [[message.role for message in messages] for messages in seen] == [["system", "user"]] * 2
    assert (refused.status, "suffix is for local models" in refused.json["error"]) == (400, True)


async def test_clients_of_ollama_ask_for_the_version_and_what_a_model_can() -> None:
    async with ring_of() as ring:
        gateway = app(ring)
        version = await ask(gateway, "/api/version")
        shown = await ask(gateway, "/api/show", {"model": "fast"})
        missing = await ask(gateway, "/api/show", {"model": "nothing"})
        nameless = await ask(gateway, "/api/show", {})
    assert re.fullmatch(r"\d+\.\d+\.\d+", version.json["version"])
    assert "completion" in shown.json["capabilities"]
    assert (missing.status, nameless.status) == (404, 400)


def test_the_official_client_understands_the_answers() -> None:
    with serving() as url, Client(url) as client:
        assert client.generate("fast", "Hello").response == WORDS.text
        assert "".join(part.response for part in client.generate("fast", "Hello", stream=True)) == WORDS.text
        assert "completion" in (client.show("fast").capabilities or [])
