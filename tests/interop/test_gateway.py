"""Recorded exchanges through the gateway: the vendor's SDK reads of it what it reads of its own vendor."""

import importlib
from typing import Any

import pytest
from asgi import Reply, ask
from interop.answers import Answer, read
from interop.recordings import Protocol, Recording, recordings
from interop.sdks import SdkExchange
from interop.transport import RecordingTransport
from llmring import LLMRing, Policy, RetryPolicy
from llmring.serve import app
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers import ProviderSettings, find_factory
from llmring_types import ModelRef

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDKs', of models
PATHS: dict[Protocol, str] = {
    "openai chat": "/v1/chat/completions",
    "openai responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
}
READABLE = [recording for recording in recordings() if "json_array_stream" not in recording.tags]
"""Google's SDK always asks for server-sent events."""
ANSWERED = [recording for recording in READABLE if not recording.failed]
UNSENDABLE = {"openai-responses-fa28288c65aa"}
"""Our validators, which hold every request of the tests, refuse it as the vendor did."""
REFUSED = [recording for recording in READABLE if recording.failed and recording.id not in UNSENDABLE]


async def ask_sdk(recording: Recording) -> SdkExchange:
    sdk: Any = importlib.import_module(f"interop.sdks.{recording.provider}")
    exchanged: SdkExchange = await sdk.exchange(recording)
    return exchanged


async def through_the_gateway(recording: Recording, sent: Any) -> Recording:
    """Return the recording with the answer that the gateway gives where its upstream gives the recorded one."""
    reply = await _reply(recording, sent)
    return recording._replace(status=reply.status, headers=reply.headers, body=reply.body)


async def _reply(recording: Recording, sent: Any) -> Reply:
    provider = recording.provider
    binding = Binding(alias="m", models=(ModelRef(provider, recording.model),))
    lockfile = Lockfile(profiles={"default": Profile(name="default", bindings=(binding,))})
    transport = RecordingTransport(recording.status, recording.headers, recording.body)
    settings = ProviderSettings(name=provider, transport=transport, api_key="sk-made-up-0123456789")
    policy = Policy(retry=RetryPolicy(attempts=1), breaker=None)
    action = "streamGenerateContent?alt=sse" if recording.stream else "generateContent"
    path = PATHS.get(recording.protocol, f"/v1beta/models/m:{action}")
    async with LLMRing(lockfile=lockfile, policy=policy) as ring:
        ring.register_provider(provider, find_factory(provider)(settings))
        return await ask(app(ring), path, {**sent, "model": "m"} if "model" in sent else sent)


def levelled(answer: Answer, theirs: Answer, *, stream: bool) -> Answer:
    """Leave out what docs/decisions/2026-11-29-the-hosts-side.md lists: noughts, ids of calls that had none, and the
    snapshot of a model in a stream, which is known when the name has long been sent."""
    ids = [call.id for call in theirs.calls]
    return answer._replace(
        usage={name: count for name, count in answer.usage.items() if count},
        calls=[call._replace(id=known and call.id) for call, known in zip(answer.calls, ids, strict=True)],
        model=None if stream else answer.model,
    )


@pytest.mark.parametrize("recording", ANSWERED, ids=lambda recording: recording.id)
async def test_an_sdk_reads_the_same_answer_of_the_gateway(recording: Recording) -> None:
    direct = await ask_sdk(recording)
    gateway = await ask_sdk(await through_the_gateway(recording, direct.sent))
    assert direct.answer is not None
    assert gateway.answer is not None
    theirs, ours = read(recording.protocol, direct.answer), read(recording.protocol, gateway.answer)
    assert levelled(ours, theirs, stream=recording.stream) == levelled(
        theirs, theirs, stream=recording.stream
    )


@pytest.mark.parametrize("recording", REFUSED, ids=lambda recording: recording.id)
async def test_an_sdk_raises_the_same_of_the_gateway(recording: Recording) -> None:
    direct = await ask_sdk(recording)
    gateway = await ask_sdk(await through_the_gateway(recording, direct.sent))
    assert direct.refusal is not None
    assert gateway.refusal is not None
    assert " ".join(direct.refusal.message.split()) in gateway.refusal.message
    of_the_key = "the gateway cannot use" in gateway.refusal.message
    assert gateway.refusal.status == (502 if of_the_key else direct.refusal.status)
