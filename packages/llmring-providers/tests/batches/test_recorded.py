"""What vendors have really answered about batches; each exchange names its source and its licence."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall, ProviderSettings, find_factory
from llmring_providers.batches import BatchApi, RunsBatches, batch_codec
from llmring_providers.sim import SimTransport
from llmring_types import LLMRequest, Message, ModelRef

RECORDED = msgspec.json.decode((Path(__file__).parents[1] / "recordings" / "batches.json").read_bytes())
STATUSES = [
    ("msgbatch_01XJUE38wWGvPQMata1Tz1bS", "running", (2, 0, 0)),
    ("msgbatch_01XJUE38wWGvPQMata1Tz1bS", "completed", (2, 2, 0)),
    ("batches/gpv3pjje0g931jdhnalwqk9sv4pbqgjlqhi9", "running", (2, None, None)),
]
ANSWERS = {
    "anthropic": {"0": ("4", 20, 5), "1": ("Jupiter", 19, 4)},
    "openai": {
        "request-1": ("Hello! How can I assist you today?", 20, 10),
        "request-2": ("Hello! What can I do for you today?", 22, 10),
    },
}


def recorded(what: str) -> list[dict[str, Any]]:
    return [each for each in RECORDED if each["what"] == what]


def api_of(name: str) -> BatchApi:
    provider: object = find_factory(name)(ProviderSettings(name=name, transport=SimTransport(), api_key="k"))
    assert isinstance(provider, RunsBatches)
    found = provider.batches()
    assert found is not None
    return found


@pytest.mark.parametrize(("exchange", "status"), list(zip(recorded("batch"), STATUSES, strict=True)))
def test_a_recorded_batch_is_read(exchange: dict[str, Any], status: tuple[str, str, tuple[int, ...]]) -> None:
    codec = batch_codec(exchange["provider"])
    assert codec is not None
    found = codec.decode(exchange["body"].encode())
    assert (found.id, found.state, (found.total, found.succeeded, found.failed)) == status
    assert found.created_at is not None
    assert bool(found.results) is (found.state == "completed")


@pytest.mark.parametrize("exchange", recorded("results"))
def test_recorded_results_are_answers_with_their_counts(exchange: dict[str, Any]) -> None:
    name = exchange["provider"]
    codec, api = batch_codec(name), api_of(name)
    assert codec is not None
    call = ChatCall(LLMRequest([Message(role="user", content="?")]), ModelRef(name, "any"))
    wire = api.request(call)
    results = [codec.result(line) for line in exchange["body"].encode().splitlines()]
    answers = {result.key: api.answer(call, wire, result) for result in results}
    read = {key: (each.content, *_counts(each.usage or {})) for key, each in answers.items()}
    assert read == ANSWERS[name]
    assert all((each.usage or {}).get("service_tier") == "batch" for each in answers.values())


def _counts(usage: Any) -> tuple[int, int]:
    return usage["prompt_tokens"], usage["completion_tokens"]


def test_every_recording_names_its_source_and_licence() -> None:
    assert all(each["source"].startswith("https://github.com/") and each["licence"] for each in RECORDED)
