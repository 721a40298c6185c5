"""Every recording that the developers keep beside the repository, against an independent reading of its bytes."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.google import GoogleAdapter
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect
from llmring_types.exceptions import LLMRingError

SHARED = Path(__file__).resolve().parents[4].parent / "shared"
ADAPTER = GoogleAdapter()

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (SHARED / "conformance").is_dir(), reason="no ../shared beside the repository"),
]


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(SHARED / "conformance"))
    yield importlib.import_module("oracle")
    sys.modules.pop("oracle", None)


def answered(recording: dict[str, Any], *, stream: bool) -> LLMResponse:
    model = recording.get("model") or "gemini-2.5-flash"
    call = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("google", model))
    reply = recording["response"]
    body = reply["body_text"].encode()
    if reply["status"] >= 400:
        raise ADAPTER.error(reply["status"], reply["headers"], body, call)
    wire = ADAPTER.encode(call, stream=stream)
    if not stream:
        return ADAPTER.decode(body, call, wire)
    decoder = ADAPTER.stream_decoder(call, wire)
    return collect([*decoder.feed(body), *decoder.close()])


def test_every_recording_is_read_as_its_bytes_say(oracle: Any) -> None:
    for path in sorted((SHARED / "recordings" / "gemini").glob("*.json")):
        recording = json.loads(path.read_text("utf-8"))
        recording["endpoint"] = recording["endpoint"].removeprefix("vertex.")
        if "enum-encoding" in recording["request"]["path"]:
            continue  # words as numbers, which the oracle does not know
        expected = oracle.oracle(recording)
        stream = "stream" in recording["endpoint"]
        if expected.error is not None:
            with pytest.raises(LLMRingError):
                answered(recording, stream=stream)
            continue
        response = answered(recording, stream=stream)
        found = {
            "text": response.content,
            "reasoning": response.reasoning or "",
            "finish_raw": response.provider_finish_reason,
            "calls": [
                (made["function"]["name"], json.loads(made["function"]["arguments"]))
                for made in response.tool_calls or ()
            ],
        }
        assert found == {
            "text": expected.text,
            "reasoning": expected.reasoning,
            "finish_raw": expected.finish_raw,
            "calls": [(made["name"], made["arguments"]) for made in expected.tool_calls],
        }, path.name
        if expected.finish_raw != "MODEL_ARMOR":  # a filter, of which the oracle has not heard
            assert response.finish_reason == expected.finish, path.name
        usage: dict[str, Any] = dict(response.usage or {})
        for theirs, ours in (
            ("prompt_tokens", "prompt_tokens"),
            ("completion_tokens", "completion_tokens"),
            ("cached_read", "cache_read_input_tokens"),
            ("reasoning_tokens", "reasoning_tokens"),
        ):
            assert usage.get(ours) == expected.usage[theirs], (path.name, ours)
        if expected.usage["total_tokens"] is not None:
            assert usage["total_tokens"] == expected.usage["total_tokens"], path.name
