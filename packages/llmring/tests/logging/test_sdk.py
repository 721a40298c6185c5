"""What the vendors' SDKs return, in the neutral form."""

from collections.abc import Callable, Iterable
from typing import Any

import anthropic.types
import ollama
import openai.types.chat
import openai.types.responses
import pytest
from google.genai import types as google_types
from llmring import LLMResponse
from llmring.exceptions import MalformedResponseError, ValidationError
from llmring.logging import detect_provider, normalize_response
from llmring.logging._sdk import ChunkReader
from pydantic import BaseModel

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}

OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Hi", "tool_calls": [CALL]}}
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}},
}  # fmt: skip
RESPONSES = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5-mini",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    },
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 2, "output_tokens": 2, "cache_read_input_tokens": 3},
}
GOOGLE = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "cachedContentTokenCount": 3},
    "modelVersion": "gemini-2.5-flash",
}
OLLAMA = {
    "model": "llama3",
    "message": {"role": "assistant", "content": "Hi"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 5,
    "eval_count": 2,
}
ANSWERS: list[tuple[str, type[BaseModel], dict[str, Any], str, str]] = [
    ("openai", openai.types.chat.ChatCompletion, OPENAI, "openai:gpt-4o-mini-2024-07-18", "tool_calls"),
    ("openai", openai.types.responses.Response, RESPONSES, "openai:gpt-5-mini", "stop"),
    ("anthropic", anthropic.types.Message, ANTHROPIC, "anthropic:claude-haiku-4-5", "stop"),
    ("google", google_types.GenerateContentResponse, GOOGLE, "google:gemini-2.5-flash", "stop"),
    ("ollama", ollama.ChatResponse, OLLAMA, "ollama:llama3", "stop"),
]


@pytest.mark.parametrize(("provider", "kind", "body", "model", "reason"), ANSWERS)
def test_an_answer_of_each_sdk_is_read(
    provider: str, kind: type[BaseModel], body: dict[str, Any], model: str, reason: str
) -> None:
    answer = kind.model_validate(body)
    assert detect_provider(answer) == provider
    read = normalize_response(answer)
    assert (read.content, read.model, read.finish_reason) == ("Hi", model, reason)
    assert read.usage is not None
    assert (read.usage["prompt_tokens"], read.usage["completion_tokens"]) == (5, 2)
    assert read.usage.get("cache_read_input_tokens", 3) == 3


@pytest.mark.parametrize(("provider", "kind", "body", "model", "reason"), ANSWERS)
def test_its_json_is_read_alike(
    provider: str, kind: type[BaseModel], body: dict[str, Any], model: str, reason: str
) -> None:
    assert detect_provider(body) == provider
    from_json, from_sdk = normalize_response(body), normalize_response(kind.model_validate(body))
    assert (from_json.content, from_json.model, from_json.usage) == (
        from_sdk.content,
        from_sdk.model,
        from_sdk.usage,
    )


def test_the_model_that_is_named_is_the_one_that_was_asked() -> None:
    assert normalize_response(OPENAI, model="my-deployment").model == "openai:my-deployment"
    assert normalize_response(OPENAI, provider="openai").model == "openai:gpt-4o-mini-2024-07-18"


def test_tool_calls_are_read() -> None:
    assert normalize_response(OPENAI).tool_calls == [CALL]


def test_what_is_of_no_sdk_is_told() -> None:
    with pytest.raises(ValidationError, match=r"builtins\.int is not from a known SDK"):
        normalize_response(7)
    with pytest.raises(ValidationError, match="provider must be"):
        normalize_response({}, provider="acme")
    with pytest.raises(MalformedResponseError):
        normalize_response({"choices": []})


def of_openai() -> None: ...


of_openai.__module__ = "openai.resources.chat"


def test_the_functions_module_tells_where_the_answer_does_not() -> None:
    assert detect_provider("text", of_openai) == "openai"
    assert detect_provider("text", test_what_is_of_no_sdk_is_told) is None
    assert detect_provider({"other": 1}) is None


def chunk(**choice: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, **choice}] if choice else [],
    }


def made(kind: Callable[[Any], Any], bodies: Iterable[dict[str, Any]]) -> list[Any]:
    return [kind(body) for body in bodies]


STREAMS: list[tuple[str, list[Any]]] = [
    (
        "openai",
        made(
            openai.types.chat.ChatCompletionChunk.model_validate,
            [
                chunk(delta={"content": "Hel"}, finish_reason=None),
                chunk(
                    delta={"content": "lo", "tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls"
                ),
                {**chunk(), "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
            ],
        ),
    ),
    (
        "openai",
        [
            openai.types.responses.ResponseTextDeltaEvent.model_validate(
                {
                    "type": "response.output_text.delta",
                    "delta": "Hello",
                    "item_id": "m",
                    "output_index": 0,
                    "content_index": 0,
                    "logprobs": [],
                    "sequence_number": 1,
                }
            ),
            openai.types.responses.ResponseCompletedEvent.model_validate(
                {
                    "type": "response.completed",
                    "sequence_number": 2,
                    "response": {
                        **RESPONSES,
                        "output": [
                            {
                                "type": "message",
                                "id": "m",
                                "role": "assistant",
                                "status": "completed",
                                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
                            }
                        ],
                    },
                }
            ),
        ],
    ),
    (
        "anthropic",
        [
            anthropic.types.RawMessageStartEvent.model_validate(
                {
                    "type": "message_start",
                    "message": {
                        **ANTHROPIC,
                        "content": [],
                        "stop_reason": None,
                        "usage": {"input_tokens": 5, "output_tokens": 1},
                    },
                }
            ),
            anthropic.types.RawContentBlockStartEvent.model_validate(
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
            ),
            anthropic.types.RawContentBlockDeltaEvent.model_validate(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": "Hello"},
                }
            ),
            anthropic.types.RawContentBlockStopEvent.model_validate(
                {"type": "content_block_stop", "index": 0}
            ),
            anthropic.types.RawMessageDeltaEvent.model_validate(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 2},
                }
            ),
            anthropic.types.RawMessageStopEvent.model_validate({"type": "message_stop"}),
        ],
    ),
    (
        "google",
        made(
            google_types.GenerateContentResponse.model_validate,
            [
                {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}]},
                {
                    "candidates": [
                        {"content": {"role": "model", "parts": [{"text": "lo"}]}, "finishReason": "STOP"}
                    ],
                    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2},
                },
            ],
        ),
    ),
    (
        "ollama",
        made(
            ollama.ChatResponse.model_validate,
            [
                {"model": "llama3", "message": {"role": "assistant", "content": "Hel"}, "done": False},
                {**OLLAMA, "message": {"role": "assistant", "content": "lo"}},
            ],
        ),
    ),
]


def streamed(provider: str, chunks: Iterable[Any]) -> LLMResponse:
    reader = ChunkReader(provider, "asked")
    for each in chunks:
        reader.add(each)
    response = reader.response()
    assert response is not None
    return response


@pytest.mark.parametrize(("provider", "chunks"), STREAMS)
def test_a_stream_of_each_sdk_is_joined(provider: str, chunks: list[Any]) -> None:
    assert {detect_provider(each) for each in chunks} == {provider}
    response = streamed(provider, chunks)
    assert (response.content, response.model) == ("Hello", f"{provider}:asked")
    assert response.finish_reason is not None
    assert response.usage is not None
    assert (response.usage["prompt_tokens"], response.usage["completion_tokens"]) == (5, 2)


@pytest.mark.parametrize(("provider", "chunks"), STREAMS)
def test_a_stream_that_is_cut_gives_what_had_come(provider: str, chunks: list[Any]) -> None:
    response = streamed(provider, chunks[:-1])
    assert "Hello".startswith(response.content)
    assert (response.usage or {}).get("completion_tokens", 2) <= 2


def test_a_stream_of_tool_calls_has_them() -> None:
    assert streamed(*STREAMS[0]).tool_calls == [CALL]


def test_a_stream_without_a_model_asked_has_the_one_that_it_names() -> None:
    reader = ChunkReader("openai", None)
    for each in STREAMS[0][1]:
        reader.add(each)
    response = reader.response()
    assert response is not None
    assert response.model == "openai:gpt-4o-mini"


def test_a_stream_that_never_began_is_nothing() -> None:
    assert ChunkReader("openai", None).response() is None
