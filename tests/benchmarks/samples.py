"""Requests and answers of the benchmarks: for each provider one plain answer and one stream of many small pieces."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic.provider import AnthropicAdapter
from llmring_providers.google.provider import GoogleAdapter
from llmring_providers.ollama.provider import OllamaAdapter
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef

_json = msgspec.json.encode
TEXT = "All happy families are alike; each unhappy family is unhappy in its own way. " * 3
PIECE = "alike"


class Sample(NamedTuple):
    """One provider's side of the conversation.

    Attributes:
        ref: a model that the price list knows, where anybody prices it.
        adapter: the provider's.
        answer: a whole answer with :data:`TEXT`.
        stream: from a number of pieces to the body of a stream with so many of :data:`PIECE`.
    """

    ref: ModelRef
    adapter: Adapter
    answer: bytes
    stream: Callable[[int], bytes]

    def call(self, messages: int = 2, size: int = 60) -> ChatCall:
        """Return a request of so many messages with so many characters each."""
        roles = ("user", "assistant")
        said = [Message(role="system", content="Answer in one sentence.")] + [
            Message(role=roles[place % 2], content="x" * size)  # type: ignore[arg-type]
            for place in range(messages - 1)
        ]
        return ChatCall(LLMRequest(said, model=str(self.ref), max_tokens=256), self.ref)


def _sse(events: list[Any], *, named: bool = False, crlf: bool = False, end: bytes = b"") -> bytes:
    blocks = [
        (b"event: %b\n" % event["type"].encode() if named else b"") + b"data: " + _json(event)
        for event in events
    ]
    body = b"".join(block + b"\n\n" for block in blocks) + end
    return body.replace(b"\n", b"\r\n") if crlf else body


def _openai_stream(pieces: int) -> bytes:
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
    }
    delta: dict[str, Any] = {"index": 0, "delta": {"content": PIECE}, "logprobs": None, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 20, "completion_tokens": pieces, "total_tokens": 20 + pieces}
    return _sse(
        [
            *({**head, "choices": [delta]} for _ in range(pieces)),
            {**head, "choices": [last]},
            {**head, "choices": [], "usage": usage},
        ],
        end=b"data: [DONE]\n\n",
    )


def _anthropic_stream(pieces: int) -> bytes:
    message = {**msgspec.json.decode(_ANTHROPIC), "content": [], "stop_reason": None}
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": PIECE}}
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": pieces}}
    return _sse(
        [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(piece for _ in range(pieces)),
            {"type": "content_block_stop", "index": 0},
            stop,
            {"type": "message_stop"},
        ],
        named=True,
    )


def _google_stream(pieces: int) -> bytes:
    content = {"role": "model", "parts": [{"text": PIECE}]}
    usage = {"promptTokenCount": 20, "candidatesTokenCount": pieces, "totalTokenCount": 20 + pieces}
    head = {"usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "r1"}
    piece = {"candidates": [{"content": content, "index": 0}], **head}
    last = {"candidates": [{"content": content, "index": 0, "finishReason": "STOP"}], **head}
    return _sse([*(piece for _ in range(pieces - 1)), last], crlf=True)  # as Google ends its lines


def _ollama_stream(pieces: int) -> bytes:
    head = {"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z"}
    piece = {**head, "message": {"role": "assistant", "content": PIECE}, "done": False}
    last = {**msgspec.json.decode(_OLLAMA), "message": {"role": "assistant", "content": ""}}
    return b"".join(_json(part) + b"\n" for part in (*(piece for _ in range(pieces)), last))


_OPENAI = _json(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 50,
            "total_tokens": 70,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "service_tier": "default",
    }
)
_ANTHROPIC = _json(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 50, "cache_read_input_tokens": 0},
    }
)
_GOOGLE = _json(
    {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 50, "totalTokenCount": 70},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    }
)
_OLLAMA = _json(
    {
        "model": "llama3.2",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": TEXT},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 20,
        "eval_count": 50,
    }
)

SAMPLES = {
    "openai": Sample(ModelRef("openai", "gpt-4o-mini"), OpenAIAdapter(), _OPENAI, _openai_stream),
    "anthropic": Sample(
        ModelRef("anthropic", "claude-sonnet-4-5"), AnthropicAdapter(), _ANTHROPIC, _anthropic_stream
    ),
    "google": Sample(ModelRef("google", "gemini-2.5-flash"), GoogleAdapter(), _GOOGLE, _google_stream),
    "ollama": Sample(ModelRef("ollama", "llama3.2"), OllamaAdapter(), _OLLAMA, _ollama_stream),
}
