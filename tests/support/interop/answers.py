"""The content of an answer, read from a vendor's document or from our response."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from llmring_types import LLMResponse

from interop.recordings import Protocol
from interop.whole import Document

_FINISH = {
    "content_filter": "content_filter",
    "end_turn": "stop",
    "completed": "stop",
    "length": "length",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "stop": "stop",
    "STOP": "stop",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
}
_MONEY = frozenset({"cost", "cost_breakdown", "cost_status", "cost_source"})


class Call(NamedTuple):
    """A tool call. ``id`` is ``None`` where the provider gives none."""

    id: str | None
    name: str
    arguments: Any


class Answer(NamedTuple):
    """The answer.

    Attributes:
        text: without reasoning; a refusal that stands apart is at its end.
        reasoning: all its texts, joined with nothing between them.
        calls: in order.
        word: the provider's own finish word.
        finish: the neutral one.
        usage: counts under our names, those that were reported.
        model: which the provider says it served.
    """

    text: str
    reasoning: str
    calls: list[Call]
    word: str | None
    finish: str | None
    usage: dict[str, int]
    model: str | None


def said(response: LLMResponse) -> Answer:
    """Read our response."""
    return Answer(
        text=response.content,
        reasoning=response.reasoning or "",
        calls=[
            Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in response.tool_calls or ()
        ],
        word=response.provider_finish_reason,
        finish=response.finish_reason,
        usage={name: count for name, count in _counts(response).items() if name not in _MONEY},
        model=response.provider_model,
    )


def _counts(response: LLMResponse) -> Mapping[str, Any]:
    return response.usage or {}


def check_same(ours: Answer, theirs: Answer) -> None:
    """Assert that both say the same. Where the provider gives a call no id, ours must still be one of its own."""
    ids = [call.id for call in ours.calls]
    assert all(ids), ours.calls
    assert len(set(ids)) == len(ids), ours.calls
    known = [
        call._replace(id=other.id and call.id) for call, other in zip(ours.calls, theirs.calls, strict=False)
    ]
    assert ours._replace(calls=[*known, *ours.calls[len(known) :]]) == theirs


def read(protocol: Protocol, document: Document) -> Answer:
    """Read a vendor's document."""
    return _READERS[protocol](document)


def _chat(document: Document) -> Answer:
    (choice, *_) = document["choices"]
    message, usage = choice.get("message") or {}, document.get("usage") or {}  # Azure filters it away
    calls = [
        Call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
        for call in message.get("tool_calls") or ()
    ]
    finish = _finish(choice["finish_reason"], calls)
    return Answer(
        text=(message.get("content") or "") + (message.get("refusal") or ""),
        reasoning=message.get("reasoning_content") or "",
        calls=calls,
        word=choice["finish_reason"],
        finish="content_filter" if message.get("refusal") else finish,
        usage=_reported(
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
            total_tokens=usage.get("total_tokens"),
            cache_read_input_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
        ),
        model=document.get("model"),
    )


def _responses(document: Document) -> Answer:
    items, usage = document["output"], document["usage"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    calls = [
        Call(item["call_id"], item["name"], json.loads(item["arguments"]))
        for item in items
        if item["type"] == "function_call"
    ]
    word = (document.get("incomplete_details") or {}).get("reason") or document["status"]
    refusal = "".join(part["refusal"] for part in parts if part["type"] == "refusal")
    return Answer(
        text="".join(part["text"] for part in parts if part["type"] == "output_text") + refusal,
        reasoning="".join(
            part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]
        ),
        calls=calls,
        word=word,
        finish="content_filter" if refusal else _finish(word, calls),
        usage=_reported(
            prompt_tokens=usage["input_tokens"],
            completion_tokens=usage["output_tokens"],
            total_tokens=usage["total_tokens"],
            cache_read_input_tokens=usage["input_tokens_details"]["cached_tokens"],
            cache_creation_input_tokens=usage["input_tokens_details"].get("cache_write_tokens"),
            reasoning_tokens=usage["output_tokens_details"]["reasoning_tokens"],
        ),
        model=document["model"],
    )


def _message(document: Document) -> Answer:
    blocks, usage = document["content"], document["usage"]
    read, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    split = usage.get("cache_creation") or {}
    prompt = usage["input_tokens"] + (read or 0) + (written or 0)
    calls = [
        Call(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"
    ]
    return Answer(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        reasoning="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=calls,
        word=document["stop_reason"],
        finish=_finish(document["stop_reason"], calls),
        usage=_reported(
            prompt_tokens=prompt,
            completion_tokens=usage["output_tokens"],
            total_tokens=prompt + usage["output_tokens"],
            cache_read_input_tokens=read,
            cache_creation_input_tokens=written,
            cache_creation_5m_tokens=split.get("ephemeral_5m_input_tokens"),
            cache_creation_1h_tokens=split.get("ephemeral_1h_input_tokens"),
            reasoning_tokens=(usage.get("output_tokens_details") or {}).get("thinking_tokens"),
        ),
        model=document["model"],
    )


def _candidate(document: Document) -> Answer:
    usage = document.get("usageMetadata") or {}
    blocked = (document.get("promptFeedback") or {}).get("blockReason")
    candidate: Document = {"finishReason": blocked}
    if document.get("candidates"):
        (candidate, *_) = document["candidates"]
    parts = (candidate.get("content") or {}).get("parts") or []
    made = [part["functionCall"] for part in parts if part.get("functionCall")]
    calls = [Call(call.get("id"), call["name"], call.get("args") or {}) for call in made]
    thoughts = usage.get("thoughtsTokenCount")
    written = usage.get("candidatesTokenCount")
    unsaid = (
        written is None and thoughts is None and usage.get("promptTokenCount") != usage.get("totalTokenCount")
    )
    return Answer(
        text="".join(part.get("text") or "" for part in parts if not part.get("thought")),
        reasoning="".join(part.get("text") or "" for part in parts if part.get("thought")),
        calls=calls,
        word=candidate["finishReason"],
        finish="content_filter" if blocked else _finish(candidate["finishReason"], calls),
        usage=_reported(
            prompt_tokens=usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0),
            completion_tokens=None if unsaid else (written or 0) + (thoughts or 0),
            total_tokens=usage.get("totalTokenCount"),
            cache_read_input_tokens=usage.get("cachedContentTokenCount"),
            reasoning_tokens=thoughts,
        ),
        model=document.get("modelVersion"),
    )


def _line(document: Document) -> Answer:
    message = document["message"]
    calls = [
        Call(call.get("id"), call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]
    prompt, written = document.get("prompt_eval_count"), document.get("eval_count")
    return Answer(
        text=message.get("content") or "",
        reasoning=message.get("thinking") or "",
        calls=calls,
        word=document["done_reason"],
        finish=_finish(document["done_reason"], calls),
        usage=_reported(
            prompt_tokens=prompt,
            completion_tokens=written,
            total_tokens=None if prompt is None or written is None else prompt + written,
        ),
        model=document["model"],
    )


def _finish(word: str | None, calls: list[Call]) -> str | None:
    found = None if word is None else _FINISH[word]
    return "tool_calls" if calls and found == "stop" else found


def _reported(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


_READERS = {
    "openai chat": _chat,
    "openai responses": _responses,
    "anthropic": _message,
    "google": _candidate,
    "ollama": _line,
}
