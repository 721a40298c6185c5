"""Google's generateContent, from the provider's side.

https://ai.google.dev/api/generate-content
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import FinishReason

from llmring_providers.sim.dialect import GARBAGE, Reply, of_status, server_event
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.protocols.google.prompt import read

_FINISH: Mapping[FinishReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "error": "MALFORMED_FUNCTION_CALL",
    "other": "OTHER",
}
_ERRORS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "The model is not found for API version v1beta."),
    413: ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}


class GoogleGenerate:
    """Streams are server-sent events for a path with ``alt=sse``, else one JSON array that grows."""

    name = "google"
    wait_in_body = True

    def __init__(self, *, sse: bool) -> None:
        self._sse = sse
        self.stream_type = "text/event-stream" if sse else "application/json; charset=UTF-8"

    def read(self, path: str, body: bytes) -> Prompt:
        return read(path, body)

    def models(self, names: Sequence[str]) -> bytes:
        """https://ai.google.dev/api/models#method:-models.list"""
        methods = ["generateContent", "countTokens"]
        data = [
            {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
            for name in names
        ]
        return msgspec.json.encode({"models": data})

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        parts = [part for part, _ in _parts(reply)]
        return msgspec.json.encode(_document(prompt, reply, parts, last=True))

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        pieces = [piece for _, pieces in _parts(reply) for piece in pieces]
        documents = [_document(prompt, reply, [piece], last=False) for piece in pieces[:-1]]
        documents.append(_document(prompt, reply, pieces[-1:], last=True))
        if self._sse:
            return [server_event(document, end=b"\r\n") for document in documents]
        items = [msgspec.json.encode(document) for document in documents]
        return [b"[" + items[0], *(b"\n,\n" + item for item in items[1:]), b"\n]\n"]

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:
        return msgspec.json.encode({"error": _error(status, message, retry_after)})

    def error_event(self, status: int, message: str | None) -> bytes:
        error = {"error": _error(status, message, None)}
        return (
            server_event(error, end=b"\r\n")
            if self._sse
            else b"\n,\n" + msgspec.json.encode(error) + b"\n]\n"
        )

    def malformed_event(self) -> bytes:
        return server_event(GARBAGE, end=b"\r\n") if self._sse else b"\n,\n" + GARBAGE

    def headers(self, seed: str) -> Mapping[str, str]:  # noqa: ARG002
        return {"x-gemini-service-tier": "standard"}


def _parts(reply: Reply) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield every part, whole, and as it is streamed: calls come in one piece."""
    if reply.reasoning:
        thoughts = [{"text": piece, "thought": True} for piece in reply.pieces(reply.reasoning)]
        yield {"text": reply.reasoning, "thought": True}, thoughts
    if reply.text or not reply.calls:
        yield {"text": reply.text}, [{"text": piece} for piece in reply.pieces(reply.text)] or [{"text": ""}]
    for place, call in enumerate(reply.calls):
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments_object}}
        if call.id is not None:
            part["functionCall"]["id"] = call.id
        if place == 0 and reply.reasoning:
            part["thoughtSignature"] = base64.b64encode(reply.seed.encode()).decode()
        yield part, [part]


def _document(
    prompt: Prompt, reply: Reply, parts: Sequence[Mapping[str, Any]], *, last: bool
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = _FINISH[reply.finish]
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(reply, last=last),
        "modelVersion": prompt.model,
        "responseId": reply.id("", digits=22),
    }


def _usage(reply: Reply, *, last: bool) -> dict[str, Any]:
    """Only the last event counts the output."""
    count = reply.count
    usage: dict[str, Any] = {
        "promptTokenCount": count.prompt,
        "totalTokenCount": count.total if last else count.prompt,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": count.prompt}],
    }
    if count.cache_read:
        usage["cachedContentTokenCount"] = count.cache_read
    if last:
        usage["candidatesTokenCount"] = count.completion - count.reasoning
        if count.reasoning:
            usage["thoughtsTokenCount"] = count.reasoning
    return usage


def _error(status: int, message: str | None, retry_after: float | None) -> dict[str, Any]:
    """https://ai.google.dev/gemini-api/docs/troubleshooting and google.rpc.RetryInfo for the wait"""
    word, words = of_status(_ERRORS, status)
    error: dict[str, Any] = {"code": status, "message": message or words, "status": word}
    if retry_after is not None:
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        error["details"] = [{"@type": kind, "retryDelay": f"{retry_after:g}s"}]
    return error
