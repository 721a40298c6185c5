"""A recorded body as one document in the vendor's own form, by the standard library alone.

The events of a stream are put together as the vendor's documentation says, into the document that the same
answer without streaming would be.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from interop.recordings import Recording

Document = dict[str, Any]


def whole(recording: Recording) -> Document:
    """Return the answer as one document."""
    text = recording.body.decode()
    if not recording.stream:
        document: Document = json.loads(text)
        return document
    return _JOIN[recording.protocol](_events(recording, text))


def _events(recording: Recording, text: str) -> Iterator[Document]:
    if recording.protocol == "ollama":
        yield from (json.loads(line) for line in text.splitlines() if line)
    elif text.startswith("["):  # Gemini without alt=sse
        yield from json.loads(text)
    else:
        lines = (line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:"))
        yield from (json.loads(line) for line in lines if line != "[DONE]")


def join_chat(chunks: Iterable[Document]) -> Document:
    """https://platform.openai.com/docs/api-reference/chat-streaming"""
    text, refusal, word = "", "", None
    calls: dict[int, Document] = {}
    said: Document = {}
    for chunk in chunks:
        said |= {name: chunk[name] for name in ("id", "model", "usage") if chunk.get(name)}
        for choice in chunk["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            refusal += delta.get("refusal") or ""
            word = choice.get("finish_reason") or word
            for piece in delta.get("tool_calls") or ():
                _add_call(calls, piece)
    message = {"content": text, "refusal": refusal, "tool_calls": [calls[index] for index in sorted(calls)]}
    return {**said, "choices": [{"message": message, "finish_reason": word}]}


def _add_call(calls: dict[int, Document], piece: Document) -> None:
    call = calls.setdefault(piece["index"], {"id": None, "function": {"name": "", "arguments": ""}})
    call["id"] = call["id"] or piece.get("id")
    for name, value in (piece.get("function") or {}).items():
        call["function"][name] += value or ""


def join_responses(events: Iterable[Document]) -> Document:
    """https://platform.openai.com/docs/api-reference/responses-streaming: the last event repeats everything."""
    endings = ("response.completed", "response.incomplete", "response.failed")
    (document,) = (event["response"] for event in events if event["type"] in endings)
    return dict(document)


def join_message(events: Iterable[Document]) -> Document:
    """https://platform.claude.com/docs/en/build-with-claude/streaming"""
    message: Document = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                message["content"].append({**event["content_block"], "pieces": ""})
            case "content_block_delta":
                _add_delta(message["content"][event["index"]], event["delta"])
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    for block in message["content"]:
        pieces = block.pop("pieces")
        if pieces:
            block["input"] = json.loads(pieces)
    return message


def _add_delta(block: Document, delta: Document) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["pieces"] += delta["partial_json"]


def join_candidates(answers: Iterable[Document]) -> Document:
    """https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent"""
    parts: list[Any] = []
    joined: Document = {}
    word = None
    for answer in answers:
        joined |= {name: value for name, value in answer.items() if value is not None}
        for candidate in answer.get("candidates") or ():
            parts += (candidate.get("content") or {}).get("parts") or []
            word = candidate.get("finishReason") or word
    return {**joined, "candidates": [{"content": {"parts": parts}, "finishReason": word}]}


def join_lines(lines: Iterable[Document]) -> Document:
    """https://docs.ollama.com/api/streaming"""
    message: Document = {"content": "", "thinking": "", "tool_calls": []}
    joined: Document = {}
    for line in lines:
        joined |= line
        for name in message:
            message[name] += line["message"].get(name) or type(message[name])()
    return {**joined, "message": message}


_JOIN = {
    "openai chat": join_chat,
    "openai responses": join_responses,
    "anthropic": join_message,
    "google": join_candidates,
    "ollama": join_lines,
}
