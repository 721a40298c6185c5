"""Every recording through the whole facade over real HTTP, against a reading of its bytes by the standard library."""

import json
from pathlib import Path

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server
from interop.answers import check_same, read, said
from interop.ours import ask
from interop.recordings import Recording, recordings
from interop.requests import neutral
from interop.whole import whole
from llmring import (
    LLMRing,
    LLMRingError,
    ModelNotFoundError,
    Policy,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    RetryPolicy,
)
from llmring.exceptions import ProviderBadRequestError

ONCE = Policy(retry=RetryPolicy(attempts=1))
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GEMINI_API_KEY")
BASE_URLS = {
    "OPENAI_BASE_URL": "/v1",
    "ANTHROPIC_BASE_URL": "",
    "GOOGLE_GEMINI_BASE_URL": "",
    "OLLAMA_BASE_URL": "",
}
REFUSALS: dict[str, type[LLMRingError]] = {
    "anthropic-messages-09ff070bfb93": ModelNotFoundError,
    "anthropic-messages-d5aeddb8bd26": ProviderAuthenticationError,
    "gemini-generateContent-4cb227f33cdb": ProviderRateLimitError,
    "gemini-generateContent-673a4a93f1b1": ProviderAuthenticationError,  # with status 400
    "ollama-chat-886291f2682f": ModelNotFoundError,
    "openai-chat-3f8e09052dbb": ProviderAuthenticationError,
    "openai-chat-41cc0f22f8fe": ProviderRateLimitError,
    "openai-responses-fa28288c65aa": ProviderBadRequestError,
}


@pytest.fixture
def lockfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in KEYS:
        monkeypatch.setenv(name, "sk-made-up-0123456789")
    return tmp_path / "llmring.lock"


def serve(server: Server, recording: Recording, lockfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [Answer(recording.body, recording.status, recording.headers)]
    for name, path in BASE_URLS.items():
        monkeypatch.setenv(name, server.url + path)
    llmring_lockfile.bind(lockfile, "recorded", f"{recording.provider}:{recording.model}", create=True)


@pytest.mark.parametrize("recording", [r for r in recordings() if not r.failed], ids=lambda r: r.id)
async def test_the_answer_says_what_its_bytes_say(
    recording: Recording, lockfile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = neutral(recording)
    request.model = "recorded"
    before = msgspec.json.encode(request)
    async with Server() as server:
        serve(server, recording, lockfile, monkeypatch)
        async with LLMRing(lockfile_path=lockfile) as ring:
            response = await ask(ring, request, stream=recording.stream)
    check_same(said(response), read(recording.protocol, whole(recording)))
    assert response.model == f"{recording.provider}:{recording.model}"
    assert [attempt.outcome for attempt in response.attempts] == ["ok"]
    assert response.request_id == recording.headers.get("x-request-id", recording.headers.get("request-id"))
    assert response.usage is not None
    assert response.usage["cost_status"]
    assert msgspec.json.encode(request) == before, "the caller's request was changed"
    assert len(server.asked) == 1


@pytest.mark.parametrize("recording", [r for r in recordings() if r.failed], ids=lambda r: r.id)
async def test_a_refusal_is_the_error_of_its_kind(
    recording: Recording, lockfile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = neutral(recording)
    request.model = "recorded"
    if (
        request.temperature is not None and request.temperature < 0
    ):  # as given, since that is what was refused
        request.extra_params = {**request.extra_params, "temperature": request.temperature}
        request.temperature = None
    async with Server() as server:
        serve(server, recording, lockfile, monkeypatch)
        async with LLMRing(lockfile_path=lockfile, policy=ONCE) as ring:
            with pytest.raises(REFUSALS[recording.id]) as caught:
                await ask(ring, request, stream=recording.stream)
    assert type(caught.value) is REFUSALS[recording.id]
    assert caught.value.status_code == recording.status  # type: ignore[attr-defined]
    assert [attempt.status_code for attempt in caught.value.attempts] == [recording.status]


async def test_the_wait_that_gemini_asks_for_is_on_the_error(
    lockfile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recording,) = (r for r in recordings() if "retry_delay_body" in r.tags)
    details = json.loads(recording.body)["error"]["details"]
    (wait,) = (detail["retryDelay"] for detail in details if "retryDelay" in detail)
    request = neutral(recording)
    async with Server() as server:
        serve(server, recording, lockfile, monkeypatch)
        async with LLMRing(lockfile_path=lockfile, policy=ONCE) as ring:
            with pytest.raises(ProviderRateLimitError) as caught:
                await ring.chat(request)
    assert caught.value.retry_after == pytest.approx(float(wait.removesuffix("s")))
