"""The documented examples of the API, as they are written, against the simulated model or a server on loopback."""

from pathlib import Path

import llmring_lockfile
import pytest
from canned import Answer, Server
from llmring import (
    LLMRequest,
    LLMRing,
    Message,
    ModelNotFoundError,
    Policy,
    ProviderAuthenticationError,
    ProviderNotFoundError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    RetryPolicy,
)

ALIASES = ("summarizer", "responder", "assistant", "chatbot", "creative-writer", "factual-responder")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "llmring.lock"
    for alias in ALIASES:
        llmring_lockfile.bind(path, alias, "sim:demo", create=True)
    llmring_lockfile.bind(path, "chatbot", "sim:small", profile="dev")
    llmring_lockfile.bind(path, "chatbot", "sim:large", profile="prod")
    return path


async def test_quick_start() -> None:
    async with LLMRing() as service:
        request = LLMRequest(
            model="summarizer",
            messages=[
                Message(role="system", content="You are a helpful assistant."),
                Message(role="user", content="Hello!"),
            ],
        )
        response = await service.chat(request)
    assert "simulated" in response.content
    assert "Hello!" in response.content


async def test_chat_with_temperature_and_limit() -> None:
    async with LLMRing() as service:
        request = LLMRequest(
            model="responder",
            messages=[Message(role="user", content="What is 2+2?")],
            temperature=0.7,
            max_tokens=100,
        )
        response = await service.chat(request)
    assert response.model == "sim:demo"
    assert response.total_tokens is not None
    assert response.usage is not None
    assert response.total_tokens == response.usage["prompt_tokens"] + response.usage["completion_tokens"]
    assert response.finish_reason == "stop"


async def test_a_small_limit_cuts_the_answer() -> None:
    async with LLMRing() as service:
        request = LLMRequest(
            model="responder", messages=[Message(role="user", content="Talk.")], max_tokens=3
        )
        response = await service.chat(request)
    assert response.finish_reason == "length"
    assert response.usage is not None
    assert response.usage["completion_tokens"] <= 3


async def test_multi_turn_conversation() -> None:
    async with LLMRing() as service:
        messages = [
            Message(role="system", content="You are a helpful assistant."),
            Message(role="user", content="What is Python?"),
        ]
        request = LLMRequest(model="assistant", messages=messages)
        response = await service.chat(request)
        messages.append(Message(role="assistant", content=response.content))
        messages.append(Message(role="user", content="What about JavaScript?"))
        request = LLMRequest(model="assistant", messages=messages)
        response = await service.chat(request)
    assert "JavaScript" in response.content


async def test_timeouts_of_the_ring_and_of_a_request() -> None:
    async with LLMRing(timeout=300.0) as service:
        request = LLMRequest(model="summarizer", messages=[Message(role="user", content="x")], timeout=None)
        assert (await service.chat(request)).content


async def test_manual_cleanup() -> None:
    service = LLMRing()
    try:
        await service.chat(LLMRequest(model="chatbot", messages=[Message(role="user", content="x")]))
    finally:
        await service.close()


@pytest.mark.parametrize("temperature", [1.2, 0.2])
async def test_temperature_control(temperature: float) -> None:
    async with LLMRing() as service:
        request = LLMRequest(
            model="creative-writer", messages=[Message(role="user", content="Poem")], temperature=temperature
        )
        assert (await service.chat(request)).content


async def test_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    request = LLMRequest(model="chatbot", messages=[Message(role="user", content="Hello")])
    async with LLMRing() as service:
        assert (await service.chat(request, profile="dev")).model == "sim:small"
        assert (await service.chat(request, profile="prod")).model == "sim:large"
        monkeypatch.setenv("LLMRING_PROFILE", "dev")
        assert (await service.chat(request)).model == "sim:small"


def test_a_lockfile_elsewhere(project: Path) -> None:
    moved = project.rename(project.with_name("my-llmring.lock"))
    assert LLMRing(lockfile_path=f"./{moved.name}").has_alias("summarizer")


def test_a_wrong_role_is_told() -> None:
    with pytest.raises(ValueError, match="role"):
        Message(role="admin", content="Hello")  # type: ignore[arg-type]


async def classify(server: Server, model: str = "openai:gpt-4o", timeout: float = 60.0) -> str:
    """The error handling example, with what it prints."""
    async with LLMRing(policy=Policy(retry=RetryPolicy(attempts=1))) as service:
        service.register_provider("openai", api_key="k", base_url=server.url)
        try:
            await service.chat(
                LLMRequest(model=model, messages=[Message(role="user", content="Hello")], timeout=timeout)
            )
        except ProviderAuthenticationError:
            return "Invalid API key - check environment variables"
        except ModelNotFoundError as e:
            return f"Model not available: {e}"
        except ProviderRateLimitError as e:
            return f"Rate limited - retry after {e.retry_after}s"
        except ProviderTimeoutError:
            return "Request timed out"
        except ProviderNotFoundError:
            return "Provider not configured - check API keys"
    return "answered"


SAID = [
    (401, {}, "Invalid API key"),
    (404, {}, "Model not available: [openai] model 'gpt-4o'"),
    (429, {"retry-after": "7"}, "Rate limited - retry after 7.0s"),
]


@pytest.mark.parametrize(("status", "headers", "printed"), SAID)
async def test_error_handling(status: int, headers: dict[str, str], printed: str) -> None:
    async with Server() as server:
        server.answers = [Answer(b'{"error": {"message": "no"}}', status, headers)]
        assert (await classify(server)).startswith(printed)
        assert (
            await classify(server, "anthropic:claude-sonnet-5") == "Provider not configured - check API keys"
        )
