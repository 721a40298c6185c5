"""Writes chat answers: whole, or one JSON object per line with what came since the last.

https://docs.ollama.com/api/chat
https://docs.ollama.com/api/generate
https://docs.ollama.com/api/errors
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, ModelFacts, StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import (
    Answer,
    arguments_of,
    counted,
    finish_word,
    moment,
    own_native,
)
from llmring_providers.hosting.codec import ErrorAnswer, HostedRequest, Stamp, StreamWriter
from llmring_providers.hosting.failures import Failure, Kind, failure_of
from llmring_providers.hosting.ollama.request import VENDOR
from llmring_providers.ollama.response import finish_reason

_WORDS: Mapping[FinishReason, str] = {"tool_calls": "stop"}
_TIMINGS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
_COUNTS = {"prompt_eval_count": "prompt_tokens", "eval_count": "completion_tokens"}
_CAPABILITIES = {"vision": "vision", "tools": "tools", "reasoning": "thinking"}
"""Ours, and Ollama's word for each."""
_ERRORS: Mapping[Kind, str] = {
    "bad_request": "invalid request",
    "unsupported": "the request is not supported",
    "too_large": "request too large",
    "authentication": "unauthorized",
    "permission": "forbidden",
    "not_found": "model not found, try pulling it first",
    "quota": "the account has no credit left",
    "rate_limit": "you have reached your usage limit",
    "timeout": "the request timed out",
    "server": "internal server error",
    "overloaded": "server busy, please try again.  maximum pending requests exceeded",
    "gateway": "internal server error",
}


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Write a whole answer."""
    said: dict[str, Any] = {"content": response.content}
    if response.reasoning:
        said["thinking"] = response.reasoning
    text = _text(asked, said | _more(response, stamp))
    return msgspec.json.encode({**_head(response, asked, stamp), **text, **_end(response)})


def _text(asked: HostedRequest, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model's words in the form of the endpoint."""
    if asked.route.operation != "generate":
        return {"message": {"role": "assistant", **said}}
    thinking = {"thinking": said["thinking"]} if "thinking" in said else {}
    return {"response": said["content"], **thinking}


def _head(answer: Answer, asked: HostedRequest, stamp: Stamp) -> dict[str, Any]:
    return {"model": answer.provider_model or asked.request.model, "created_at": moment(stamp.created)}


def _more(answer: Answer, stamp: Stamp) -> dict[str, Any]:
    """Return the fields of the message beside text and reasoning."""
    more: dict[str, Any] = {}
    if answer.tool_calls:
        more["tool_calls"] = [
            {
                "id": call["id"] or stamp.id("call_", place, digits=8),
                "function": {
                    "index": place,
                    "name": call["function"]["name"],
                    "arguments": arguments_of(call),
                },
            }
            for place, call in enumerate(answer.tool_calls)
        ]
    native = own_native(answer, VENDOR)
    return {**more, "images": native["images"]} if native.get("images") else more


def _end(answer: Answer) -> dict[str, Any]:
    native = own_native(answer, VENDOR)
    timings = native.get("timings")
    called = bool(answer.tool_calls)
    return {
        "done": True,
        "done_reason": finish_word(answer, VENDOR, _WORDS, lambda word: finish_reason(word, called=called)),
        **dict.fromkeys(_TIMINGS if not native else (), 0),
        **(timings if isinstance(timings, Mapping) else {}),
        **(counted(answer.usage, _COUNTS) if answer.usage else {}),
        **{name: native[name] for name in ("logprobs", "remote_model", "remote_host") if native.get(name)},
    }


def version() -> bytes:
    """Write the version of the server: one that has every endpoint here (https://docs.ollama.com/api-reference/get-version)."""
    return b'{"version":"0.12.6"}'


def shown(facts: ModelFacts | None, stamp: Stamp) -> bytes:
    """Write what is known of a model: https://docs.ollama.com/api-reference/show-model-details"""
    known = {} if facts is None else {name: getattr(facts, name) for name in _CAPABILITIES}
    context = None if facts is None else facts.context_window
    details = {"format": "", "family": "", "parameter_size": "", "quantization_level": ""}
    info = {} if context is None else {"general.architecture": "hosted", "hosted.context_length": context}
    return msgspec.json.encode(
        {
            "details": details,
            "model_info": info,
            "capabilities": ["completion", *(_CAPABILITIES[name] for name, has in known.items() if has)],
            "modified_at": moment(stamp.created),
        }
    )


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error: a text is all there is."""
    failure = failure_of(error)
    return ErrorAnswer(status=failure.status, body=_error(failure), headers=failure.headers)


def _error(failure: Failure) -> bytes:
    return msgspec.json.encode({"error": failure.words or _ERRORS[failure.kind]})


class ChatStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:
        super().__init__()
        self._asked = asked
        self._stamp = stamp

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        lines: list[bytes] = []
        if chunk.reasoning:
            lines.append(self._line(chunk, {"content": "", "thinking": chunk.reasoning}))
        if chunk.delta:
            lines.append(self._line(chunk, {"content": chunk.delta}))
        return lines

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        more = _more(chunk, self._stamp)
        lines = [self._line(chunk, {"content": "", **more})] if more else []
        return [*lines, self._line(chunk, {"content": ""}, **_end(chunk))]

    def _line(self, chunk: StreamChunk, said: Mapping[str, Any], **end: Any) -> bytes:
        head = _head(chunk, self._asked, self._stamp)
        return msgspec.json.encode({**head, **_text(self._asked, said), "done": False, **end}) + b"\n"

    def _failure(self, error: LLMRingError) -> list[bytes]:
        return [_error(failure_of(error)) + b"\n"]
