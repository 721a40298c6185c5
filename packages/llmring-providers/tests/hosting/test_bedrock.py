"""Requests of Converse as its clients write them, and streams with blocks of every kind."""

import json
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers.bedrock import BedrockAdapter
from llmring_providers.bedrock.frames import frame
from llmring_providers.hosting import CODECS, HostedRequest, Stamp, find_route
from llmring_types import LLMRequest, Message, ModelRef, StreamChunk
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderError,
    ProviderOverloadedError,
    ValidationError,
)

PATH = "/model/amazon.nova-pro-v1:0/converse"
HI = {"role": "user", "content": [{"text": "Hi"}]}
CALL = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"a": 1}}}
MARK = {"cachePoint": {"type": "default"}}
EPHEMERAL = {"type": "ephemeral"}


def read(body: Any, path: str = PATH) -> HostedRequest:
    route = find_route("POST", path, {})
    assert route is not None
    return CODECS[route.protocol].read(route, {}, json.dumps(body).encode())


def request(**fields: Any) -> LLMRequest:
    return read({"messages": [HI], **fields}).request


PARAMETERS: list[tuple[dict[str, Any], str, Any]] = [
    ({"inferenceConfig": {"maxTokens": 9}}, "max_tokens", 9),
    ({"inferenceConfig": {"temperature": 0.5}}, "temperature", 0.5),
    ({"inferenceConfig": {"topP": 0.5, "stopSequences": ["X"]}}, "extra_params", {"top_p": 0.5, "stop": ["X"]}),
    ({"serviceTier": {"type": "flex"}}, "extra_params", {"service_tier": "flex"}),
    ({"requestMetadata": {"user": "u", "team": "t"}}, "extra_params", {"user": "u", "metadata": {"team": "t"}}),
    ({"requestMetadata": {"user": "u"}}, "extra_params", {"user": "u"}),
    ({"performanceConfig": {"latency": "optimized"}}, "extra_params", {"performanceConfig": {"latency": "optimized"}}),
    ({"toolConfig": {"tools": [{"systemTool": {"name": "nova_code"}}]}}, "tools", [{"systemTool": {"name": "nova_code"}}]),
    ({"toolConfig": {"tools": [], "toolChoice": {"any": {}}}}, "tool_choice", "required"),
    ({"toolConfig": {"tools": [], "toolChoice": {"auto": {}}}}, "tool_choice", "auto"),
    ({"additionalModelRequestFields": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}}, "tool_choice", None),
    ({"additionalModelRequestFields": {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}}, "tool_choice", "required"),
    ({"additionalModelRequestFields": {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}}, "extra_params", {"parallel_tool_calls": False}),
    ({"additionalModelRequestFields": {"thinking": {"type": "disabled"}}}, "reasoning_effort", "none"),
    ({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}}, "reasoning_effort", "high"),
    ({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}}, "reasoning_effort", "low"),
    ({"inferenceConfig": {"maxTokens": 100}, "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 60}}}, "reasoning_tokens", 60),
    ({"inferenceConfig": {"maxTokens": 100}, "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 60}}}, "max_tokens", 40),
    ({"outputConfig": {"textFormat": {"type": "text"}}}, "response_format", None),
]  # fmt: skip
"""What the body has beside a greeting, and one field of what is read."""


@pytest.mark.parametrize(("given", "field", "expected"), PARAMETERS)
def test_a_parameter_of_converse_is_read(given: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(request(**given), field) == expected


def test_a_tool_that_must_be_called_is_named() -> None:
    spec = {"toolSpec": {"name": "look", "description": "Look.", "inputSchema": {"json": {"type": "object"}}}}
    asked = request(toolConfig={"tools": [spec], "toolChoice": {"tool": {"name": "look"}}})
    assert "look" in json.dumps(asked.tool_choice)
    assert [tool["function"]["name"] for tool in asked.tools or []] == ["look"]


def test_an_answer_in_json_is_read_with_its_schema() -> None:
    inner = {"name": "city", "schema": '{"type": "object"}'}
    config = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": inner}}}
    assert request(outputConfig=config).response_format == {
        "type": "json_schema",
        "json_schema": {"name": "city", "schema": {"type": "object"}},
    }


BAD: list[dict[str, Any]] = [
    {"messages": []},
    {"messages": [HI], "inferenceConfig": {"maxTokens": "many"}},
    {"messages": [HI], "outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": "{"}}}}},
]


@pytest.mark.parametrize("body", BAD)
def test_a_request_that_is_none_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(body)


def test_the_tokens_of_a_request_are_asked_for_within_an_envelope() -> None:
    asked = read({"input": {"converse": {"messages": [HI]}}}, PATH.replace("converse", "count-tokens"))
    assert asked.request.messages == [Message(role="user", content="Hi")]


MESSAGES: list[tuple[list[dict[str, Any]], list[Message]]] = [
    ([{"role": "system", "content": [{"text": "Be brief."}]}, HI], [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]),
    ([{"role": "user", "content": [{"text": "A"}, MARK, {"text": "B"}]}], [Message(role="user", content=[{"type": "text", "text": "A", "cache_control": EPHEMERAL}, {"type": "text", "text": "B"}])]),
    ([{"role": "user", "content": [{"text": "A"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]}, HI], [Message(role="user", content="A", metadata={"cache_control": {"type": "ephemeral", "ttl": "1h"}}), Message(role="user", content="Hi")]),
    ([HI, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "error", "content": [{"json": {"a": 1}}]}}, {"text": "So?"}]}],
     [Message(role="user", content="Hi"), Message(role="assistant", content=None, tool_calls=[{"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}]), Message(role="tool", tool_call_id="t1", content='{"a":1}', metadata={"is_error": True}), Message(role="user", content="So?")]),
    ([HI, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [{"text": "First."}, {"toolResult": {"toolUseId": "t1", "content": [{"text": "seen"}]}}]}],
     [Message(role="user", content="Hi"), Message(role="assistant", content=None, tool_calls=[{"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}]), Message(role="user", content="First."), Message(role="tool", tool_call_id="t1", content="seen")]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), MESSAGES)
def test_messages_of_converse_are_read_in_order(given: list[dict[str, Any]], expected: list[Message]) -> None:
    assert read({"messages": given}).request.messages == expected


PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"image": {"format": "png", "source": {"bytes": "AAAA"}}}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
    ({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/x"}}}}, {"type": "image", "image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/x"}}}}),
    ({"document": {"format": "pdf", "name": "Report", "source": {"bytes": "AAAA"}, "context": "Of May."}}, {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}, "title": "Report", "context": "Of May."}),
    ({"document": {"format": "pdf", "name": "Document 2", "source": {"bytes": "AAAA"}}}, {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}),
    ({"guardContent": {"text": {"text": "x"}}}, {"type": "guardContent", "guardContent": {"text": {"text": "x"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "part"), PARTS)
def test_a_block_is_read_as_a_part_that_other_vendors_take(
    block: dict[str, Any], part: dict[str, Any]
) -> None:
    [message] = read({"messages": [{"role": "user", "content": [{"text": "See"}, block]}]}).request.messages
    assert message.content == [{"type": "text", "text": "See"}, part]


def test_blocks_of_an_answer_that_nothing_neutral_says_travel_as_they_are() -> None:
    cited = {"citationsContent": {"content": [{"text": "It is."}], "citations": [{"title": "A"}]}}
    messages = [HI, {"role": "assistant", "content": [{"text": "So: "}, cited]}, HI]
    answer = read({"messages": messages}).request.messages[1]
    assert (answer.metadata or {})["native"]["replay"] == [{"text": "So: "}, cited]


def test_a_mark_at_the_end_of_the_prompt_is_the_requests_own() -> None:
    assert (
        read({"messages": [{"role": "user", "content": [{"text": "Hi"}, MARK]}]}).request.cache == EPHEMERAL
    )


# ------------------------------------------------------------------------------------------------ streams


def event(name: str, payload: Any, kind: str = "event") -> bytes:
    headers = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    return frame(headers, payload if isinstance(payload, bytes) else msgspec.json.encode(payload))


def delta(said: dict[str, Any], index: int = 0) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": said})


def begun(what: dict[str, Any], index: int = 0) -> bytes:
    return event("contentBlockStart", {"contentBlockIndex": index, "start": what})


END = event("messageStop", {"stopReason": "end_turn"}) + event(
    "metadata", {"usage": {"inputTokens": 1, "outputTokens": 2}}
)


def last(*events: bytes) -> StreamChunk:
    call = ChatCall(
        LLMRequest([Message(role="user", content="Hi")]), ModelRef("bedrock", "amazon.nova-pro-v1:0")
    )
    adapter = BedrockAdapter()
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    chunks = [*decoder.feed(b"".join(events)), *decoder.close()]
    return chunks[-1]


REPLAYED: list[tuple[list[bytes], dict[str, Any]]] = [
    ([delta({"text": "It is."}), delta({"citation": {"title": "A"}})], {"citationsContent": {"content": [{"text": "It is."}], "citations": [{"title": "A"}]}}),
    ([begun({"toolResult": {"toolUseId": "t", "type": "x"}}), delta({"toolResult": [{"text": "a"}]}), delta({"toolResult": [{"text": "b"}]})], {"toolResult": {"toolUseId": "t", "type": "x", "content": [{"text": "a"}, {"text": "b"}]}}),
    ([begun({"image": {"format": "png"}}), delta({"image": {"source": {"bytes": "AAAA"}}})], {"image": {"format": "png", "source": {"bytes": "AAAA"}}}),
    ([delta({"reasoningContent": {"redactedContent": "AQ=="}}), delta({"reasoningContent": {"redactedContent": "Ag=="}})], {"reasoningContent": {"redactedContent": "AQI="}}),
    ([delta({"reasoningContent": {"redactedContent": "*A"}}), delta({"reasoningContent": {"redactedContent": "B"}})], {"reasoningContent": {"redactedContent": "*AB"}}),
    ([delta({"reasoningContent": {"text": "Hm"}}), delta({"reasoningContent": {"signature": "s"}})], {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("events", "block"), REPLAYED)
def test_a_block_that_came_in_pieces_goes_back_whole(events: list[bytes], block: dict[str, Any]) -> None:
    native = last(*events, END).native or {}
    assert native["replay"] == [block]


@pytest.mark.parametrize("block", [block for _, block in REPLAYED if "*AB" not in str(block)])
def test_a_stream_of_any_block_is_written_so_that_it_is_read_again(block: dict[str, Any]) -> None:
    events = next(events for events, found in REPLAYED if found is block)
    chunk = last(*events, END)
    asked = read({"messages": [HI]}, f"{PATH}-stream")
    writer = CODECS[asked.route.protocol].stream_writer(asked, Stamp(seed="0" * 32, created=0))
    said = [StreamChunk(delta="It is."), chunk] if "citationsContent" in block else [chunk]
    if "reasoningText" in str(block):
        said = [StreamChunk(reasoning="Hm"), chunk]
    written = b"".join(piece for each in said for piece in writer.write(each)) + b"".join(writer.close())

    assert (last(written).native or {})["replay"] == [block]


def test_a_stream_that_fails_is_written_as_an_exception() -> None:
    asked = read({"messages": [HI]}, f"{PATH}-stream")
    writer = CODECS[asked.route.protocol].stream_writer(asked, Stamp(seed="0" * 32, created=0))
    written = b"".join(writer.write(StreamChunk(delta="Hi")))
    written += b"".join(writer.fail(ProviderOverloadedError("busy", provider="bedrock")))

    with pytest.raises(ProviderOverloadedError, match="busy"):
        last(written)


def test_arguments_that_come_twice_are_reported() -> None:
    use = begun({"toolUse": {"toolUseId": "t", "name": "look"}})
    whole = delta({"toolUse": {"input": '{"a": 1}'}})
    chunk = last(
        use, whole, whole, event("messageStop", {"stopReason": "tool_use"}), event("metadata", {"usage": {}})
    )
    assert [call["function"]["arguments"] for call in chunk.tool_calls or []] == ['{"a": 1}']
    assert chunk.warnings


def test_an_exception_within_a_stream_is_its_error_whatever_it_says() -> None:
    with pytest.raises(ProviderError, match="too fast"):
        last(event("throttlingException", {"message": "too fast"}, "exception"))
    with pytest.raises(ProviderError, match="no JSON"):
        last(event("internalServerException", b"no JSON", "exception"))


def test_a_damaged_frame_is_malformed() -> None:
    body = bytearray(delta({"text": "Hi"}))
    body[-1] ^= 1
    with pytest.raises(MalformedResponseError, match="damaged"):
        last(bytes(body))
