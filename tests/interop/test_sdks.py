"""The same scenario through the vendor's official SDK and through llmring: one wire, one answer.

The SDK is asked by its typed call, made of the recorded request; llmring by the same scenario in the neutral form. What
both send is compared after the spelling rules of :mod:`interop.wire`, and nothing else.
"""

import importlib
from typing import Any

import pytest
from interop.answers import check_same, read, said
from interop.ours import exchange
from interop.recordings import Recording, recordings
from interop.requests import neutral
from interop.sdks import SdkExchange
from interop.wire import normalised

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDKs', of models

READABLE = [recording for recording in recordings() if "json_array_stream" not in recording.tags]
"""Google's SDK always asks for server-sent events, and cannot read the array that it gets without asking."""

ANSWERED = [recording for recording in READABLE if not recording.failed]
REFUSED = [recording for recording in READABLE if recording.failed]
BUDGET_IS_A_SWITCH = "reasoning_tokens only switches thinking on: Ollama takes no budget for it"


def ids(recording: Recording) -> str:
    return recording.id


async def ask_sdk(recording: Recording) -> SdkExchange:
    sdk: Any = importlib.import_module(f"interop.sdks.{recording.provider}")
    exchanged: SdkExchange = await sdk.exchange(recording)
    return exchanged


@pytest.mark.parametrize("recording", READABLE, ids=ids)
async def test_both_put_the_same_json_on_the_wire(recording: Recording) -> None:
    theirs = await ask_sdk(recording)
    ours = await exchange(recording, neutral(recording))
    assert normalised(recording.protocol, ours.sent) == normalised(recording.protocol, theirs.sent)


@pytest.mark.parametrize("recording", ANSWERED, ids=ids)
async def test_both_read_the_same_answer(recording: Recording) -> None:
    theirs = await ask_sdk(recording)
    ours = await exchange(recording, neutral(recording))
    assert ours.response is not None
    assert theirs.answer is not None
    check_same(said(ours.response), read(recording.protocol, theirs.answer))
    assert [*{*ours.response.warnings} - {BUDGET_IS_A_SWITCH}] == []


@pytest.mark.parametrize("recording", REFUSED, ids=ids)
async def test_both_tell_the_same_refusal(recording: Recording) -> None:
    refusal = (await ask_sdk(recording)).refusal
    error = (await exchange(recording, neutral(recording))).error
    assert refusal is not None
    assert error is not None
    assert getattr(error, "status_code", None) == refusal.status
    assert " ".join(refusal.message.split()) in error.message
    if refusal.request_id is not None:
        assert getattr(error, "request_id", None) == refusal.request_id
