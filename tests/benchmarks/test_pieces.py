"""Many pieces are not joined at each: the next piece costs the same however much came before."""

import tracemalloc
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
from llmring_providers import ChatCall, WireRequest
from llmring_types import LLMRequest, Message, ModelRef
from samples import SAMPLES

_json = msgspec.json.encode
PIECE = "x" * 2000
MANY = 500
"""A million letters in all."""
MOST = 100_000
"""Bytes that the reading of one more piece may take for itself: a hundredth of what joining all of them would."""


class Growing(NamedTuple):
    """A stream in which one thing grows.

    Attributes:
        provider: whose.
        before: the events until then.
        piece: the event that comes again and again.
        extra: parameters of the request.
    """

    provider: str
    before: Iterable[Any]
    piece: Any
    extra: Mapping[str, Any] = MappingProxyType({})


def _chat(**delta: Any) -> Growing:
    event = {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
    return Growing("openai", (), event)


def _block(kind: str, **delta: str) -> Growing:
    begun = {"type": kind, "text": "", "thinking": "", "id": "t", "name": "f", "input": {}}
    return Growing(
        "anthropic",
        [
            {"type": "message_start", "message": {"id": "m", "model": "claude", "content": []}},
            {"type": "content_block_start", "index": 0, "content_block": begun},
        ],
        {"type": "content_block_delta", "index": 0, "delta": delta},
    )


def _candidate(part: dict[str, Any], **more: Any) -> Growing:
    return Growing("google", (), {"candidates": [{"index": 0, "content": {"parts": [part]}, **more}]})


def _item(kind: str, **more: Any) -> Growing:
    return Growing(
        "openai",
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {"id": "i", "type": "function_call"},
            }
        ],
        {"type": f"response.{kind}.delta", "output_index": 0, "delta": PIECE, **more},
        {"api": "responses"},
    )


_CALL = {"index": 0, "id": "c", "function": {"name": "f", "arguments": PIECE}}
_OPENED = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "willContinue": True}}]}}]}
_ARGUMENT = {"partialArgs": [{"jsonPath": "$.text", "stringValue": PIECE}], "willContinue": True}
_LOGPROBS = {"chosenCandidates": [{"token": PIECE, "logProbability": -1.0}]}

STREAMS = {
    "openai, text": _chat(content=PIECE),
    "openai, reasoning": _chat(reasoning_content=PIECE),
    "openai, a call": _chat(tool_calls=[_CALL]),
    "openai, text in parts": _chat(content=[{"type": "text", "text": PIECE}]),
    "openai, thinking in parts": _chat(
        content=[{"type": "thinking", "thinking": [{"type": "text", "text": PIECE}]}]
    ),
    "openai, blocks of reasoning": _chat(
        reasoning_details=[{"type": "reasoning.text", "text": PIECE, "index": 0}]
    ),
    "openai, sound": _chat(audio={"id": "a", "data": PIECE, "transcript": PIECE}),
    "responses, text": _item("output_text"),
    "responses, a call": _item("function_call_arguments"),
    "anthropic, text": _block("text", type="text_delta", text=PIECE),
    "anthropic, thinking": _block("thinking", type="thinking_delta", thinking=PIECE),
    "anthropic, a call": _block("tool_use", type="input_json_delta", partial_json=PIECE),
    "google, text": _candidate({"text": PIECE}),
    "google, thoughts": _candidate({"text": PIECE, "thought": True}),
    "google, a call": Growing(
        "google", [_OPENED], {"candidates": [{"content": {"parts": [{"functionCall": _ARGUMENT}]}}]}
    ),
    "google, probabilities": _candidate({"text": "x"}, logprobsResult=_LOGPROBS),
    "ollama, text": Growing("ollama", (), {"message": {"role": "assistant", "content": PIECE}}),
    "ollama, thinking": Growing("ollama", (), {"message": {"role": "assistant", "thinking": PIECE}}),
}


def written(provider: str, event: Any) -> bytes:
    return _json(event) + b"\n" if provider == "ollama" else b"data: " + _json(event) + b"\n\n"


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_the_next_piece_takes_no_more_memory_than_the_first(stream: Growing) -> None:
    adapter, provider = SAMPLES[stream.provider].adapter, stream.provider
    request = LLMRequest([Message(role="user", content="hi")], extra_params=dict(stream.extra))
    call = ChatCall(request, ModelRef(provider, SAMPLES[provider].ref.model))
    wire: WireRequest = adapter.encode(call, stream=True)
    decoder = adapter.stream_decoder(call, wire)
    for event in stream.before:
        decoder.feed(written(provider, event))
    piece = written(provider, stream.piece)
    for _ in range(MANY):
        decoder.feed(piece)
    tracemalloc.start()
    try:
        decoder.feed(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert decoder.failure is None
    assert len(_json(decoder.partial())) > 0
    assert peak < MOST
