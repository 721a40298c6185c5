"""Answers of Bedrock, recorded by others."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers.bedrock import BedrockAdapter
from llmring_providers.bedrock.frames import frame
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect, exceptions
from llmring_types.exceptions import ProviderServerError, StreamInterruptedError
from llmring_types.hosts import HOSTS

RECORDED = msgspec.json.decode((Path(__file__).parents[1] / "recordings" / "bedrock.json").read_bytes())
WHOLE: list[Mapping[str, Any]] = RECORDED["whole"]
STREAMS: list[Mapping[str, Any]] = RECORDED["streams"]
ADAPTER = BedrockAdapter()


def call(model: str, *messages: Message) -> ChatCall:
    request = LLMRequest([Message(role="user", content="Hello"), *messages], max_tokens=10)
    return ChatCall(request, ModelRef("bedrock", model))


def body_of(recorded: Mapping[str, Any]) -> bytes:
    if "base64" in recorded:
        return base64.b64decode(recorded["base64"])
    return b"".join(
        frame({":event-type": name, ":message-type": "event"}, msgspec.json.encode(payload))
        for event in recorded["events"]
        for name, payload in event.items()
    )


def names_of(tool_calls: Sequence[Mapping[str, Any]] | None) -> str | None:
    return " ".join(one["function"]["name"] for one in tool_calls) if tool_calls else None


def check(answer: LLMResponse, recorded: Mapping[str, Any]) -> None:
    assert (answer.content, answer.usage, answer.finish_reason) == (
        recorded["text"],
        recorded["usage"],
        recorded["finish_reason"],
    )
    assert names_of(answer.tool_calls) == recorded.get("tool")


@pytest.mark.parametrize("recorded", WHOLE, ids=lambda row: row["name"])
def test_a_recorded_answer_is_read(recorded: Mapping[str, Any]) -> None:
    asked = call(recorded["model"])
    answer = ADAPTER.decode(msgspec.json.encode(recorded["body"]), asked, ADAPTER.encode(asked, stream=False))
    check(answer, recorded)
    if "reasoning" in recorded:
        assert answer.reasoning == recorded["reasoning"]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("recorded", STREAMS, ids=lambda row: row["name"])
def test_a_recorded_stream_is_read_however_it_is_split(recorded: Mapping[str, Any], size: int) -> None:
    asked, body = call(recorded["model"]), body_of(recorded)
    decoder = ADAPTER.stream_decoder(asked, ADAPTER.encode(asked, stream=True))
    chunks = [
        chunk for start in range(0, len(body), size) for chunk in decoder.feed(body[start : start + size])
    ]
    check(collect(chunks + decoder.close()), recorded)


@pytest.mark.parametrize("recorded", STREAMS, ids=lambda row: row["name"])
def test_a_recorded_stream_that_is_cut_is_never_finished(recorded: Mapping[str, Any]) -> None:
    asked, body = call(recorded["model"]), body_of(recorded)
    for end in range(len(body)):
        decoder = ADAPTER.stream_decoder(asked, ADAPTER.encode(asked, stream=True))
        decoder.feed(body[:end])
        with pytest.raises(StreamInterruptedError):
            decoder.close()


def test_a_recorded_exception_within_a_stream_is_an_error_that_may_be_tried_again() -> None:
    asked = call("us.anthropic.claude-sonnet-4-6")
    decoder = ADAPTER.stream_decoder(asked, ADAPTER.encode(asked, stream=True))
    decoder.feed(body_of(RECORDED["exception"]))
    with pytest.raises(
        ProviderServerError, match=r"Model Stream Error \(The model stream failed\.\)"
    ) as raised:
        decoder.close()
    assert (raised.value.code, raised.value.retryable) == ("ModelStreamError", True)


@pytest.mark.parametrize("recorded", RECORDED["errors"], ids=lambda row: row["source"].rpartition("/")[2])
def test_a_recorded_refusal_has_its_type(recorded: Mapping[str, Any]) -> None:
    error = ADAPTER.error(recorded["status"], {}, msgspec.json.encode(recorded["body"]), call("m"))
    assert type(error) is getattr(exceptions, recorded["error"])
    assert recorded["body"]["message"] in str(error)


def test_signed_reasoning_goes_back_as_it_came() -> None:
    recorded = WHOLE[0]
    asked = call(recorded["model"])
    answer = ADAPTER.decode(msgspec.json.encode(recorded["body"]), asked, ADAPTER.encode(asked, stream=False))
    result = Message(role="tool", content="5", tool_call_id="tooluse_K1lsjyEkuj5bbg5tAkGAhO")
    again = ADAPTER.encode(call(recorded["model"], answer.to_message(), result), stream=False)
    turns = msgspec.json.decode(again.body)["messages"]
    sent = recorded["body"]["output"]["message"]["content"]
    assert turns[1]["content"][:2] == sent[:2]
    assert turns[1]["content"][2]["toolUse"] == {
        name: value for name, value in sent[2]["toolUse"].items() if name != "type"
    }
    other = ADAPTER.encode(call("amazon.nova-pro-v1:0", answer.to_message(), result), stream=False)
    assert "reasoningContent" not in other.body.decode()
    assert any("reasoning of an earlier answer was left out" in warning for warning in other.warnings)


def test_every_recording_names_its_source_and_its_licence() -> None:
    for row in [*WHOLE, *STREAMS, RECORDED["exception"], *RECORDED["errors"]]:
        assert row["source"].startswith("https://github.com/")
        assert row["licence"] in ("MIT", "Apache-2.0")


def test_the_row_is_proved_by_a_recording() -> None:
    assert HOSTS["bedrock"].proof == STREAMS[0]["source"]
