"""Writes an answer of Converse, and errors of Bedrock.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers.bedrock.errors import NAME_HEADER
from llmring_providers.bedrock.response import finish_reason
from llmring_providers.hosting.answering import (
    Answer,
    arguments_of,
    carried,
    count,
    counted,
    finish_word,
    own_native,
    replayed,
)
from llmring_providers.hosting.bedrock.messages import VENDOR
from llmring_providers.hosting.codec import ErrorAnswer, HostedRequest, Stamp
from llmring_providers.hosting.failures import Failure, Kind, failure_of

_WORDS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "error": "malformed_model_output",
    "other": "pause_turn",
}
_CACHES = {
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}
_WRITES = {"1h": "cache_creation_1h_tokens", "5m": "cache_creation_5m_tokens"}


def whole(response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:  # noqa: ARG001 - it names no model
    """Write a whole answer."""
    message = {"role": "assistant", "content": content(response, stamp)}
    said = {"output": {"message": message}, **stop(response), **metadata(response)}
    return msgspec.json.encode(said)


def content(response: LLMResponse, stamp: Stamp) -> list[dict[str, Any]]:
    """Return the blocks: the provider's own where they are of this protocol, else thoughts, text and calls."""
    if blocks := replayed(own_native(response, VENDOR)):
        return blocks
    signature = carried(response, VENDOR)
    if response.reasoning:
        blocks.append(thought(response.reasoning, signature or stamp.signature))
    elif signature:
        blocks.append({"reasoningContent": {"redactedContent": signature}})
    if response.content:
        blocks.append({"text": response.content})
    return blocks + calls(response, stamp)


def thought(text: str, signature: str) -> dict[str, Any]:
    """Return a block of reasoning, unsigned where the signature is empty."""
    said = {"text": text, "signature": signature} if signature else {"text": text}
    return {"reasoningContent": {"reasoningText": said}}


def calls(answer: Answer, stamp: Stamp) -> list[dict[str, Any]]:
    """Return the blocks of the calls."""
    return [
        {
            "toolUse": {
                "toolUseId": call["id"] or stamp.id("tooluse_", place, digits=22),
                "name": call["function"]["name"],
                "input": arguments_of(call),
            }
        }
        for place, call in enumerate(answer.tool_calls or ())
    ]


def stop(answer: Answer) -> dict[str, Any]:
    """Return why the answer ended."""
    called = bool(answer.tool_calls)
    word = finish_word(answer, VENDOR, _WORDS, lambda word: finish_reason(word, called=called))
    fields = own_native(answer, VENDOR).get("additional_fields")
    said = {"stopReason": word}
    return {**said, "additionalModelResponseFields": fields} if fields else said


def metadata(answer: Answer) -> dict[str, Any]:
    """Return the token counts, and what else is known of an answer besides its message."""
    native, usage = own_native(answer, VENDOR), answer.usage
    counts: dict[str, Any] = {} if usage is None else counted(usage, _CACHES)
    fresh = max(0, count(usage, "prompt_tokens") - sum(counts.values()))
    made = count(usage, "completion_tokens")
    counts |= {"inputTokens": fresh, "outputTokens": made, "totalTokens": fresh + made + sum(counts.values())}
    written = {} if usage is None else counted(usage, _WRITES)
    if written:
        counts["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in written.items()]
    said: dict[str, Any] = {"usage": counts, "metrics": {"latencyMs": native.get("latency_ms", 0)}}
    if (tier := (usage or {}).get("service_tier")) is not None:
        said["serviceTier"] = {"type": tier}
    trace = native.get("trace")
    return {**said, "trace": trace} if trace else said


_ERRORS: Mapping[Kind, tuple[str, str]] = {
    "bad_request": ("ValidationException", "The request is not valid."),
    "unsupported": ("ValidationException", "This model doesn't support a field of the request."),
    "too_large": ("ValidationException", "Input is too long for requested model."),
    "authentication": (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    ),
    "permission": (
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
    ),
    "not_found": ("ResourceNotFoundException", "The model with the specified model ID could not be found."),
    "quota": ("ServiceQuotaExceededException", "Your request exceeds the service quota for your account."),
    "rate_limit": ("ThrottlingException", "Too many requests, please wait before trying again."),
    "timeout": ("InternalServerException", "The request took too long to process."),
    "server": ("InternalServerException", "An internal server error occurred. Retry your request."),
    "overloaded": ("ServiceUnavailableException", "The service isn't currently available. Try again later."),
    "gateway": ("InternalServerException", "An internal server error occurred. Retry your request."),
}
"""https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors"""
STATUSES: Mapping[Kind, int] = {"too_large": 400, "authentication": 403, "quota": 400}


def name_and_text(failure: Failure) -> tuple[str, str]:
    """Return the name of an error, and its text, which alone says of some what they are."""
    name, usual = _ERRORS[failure.kind]
    text = failure.words or usual
    if failure.kind == "too_large" and failure.status == STATUSES["too_large"] and text != usual:
        text = f"{text} ({usual})"
    return name, text


def error_answer(error: LLMRingError) -> ErrorAnswer:
    """Write an error."""
    failure = failure_of(error, STATUSES)
    name, text = name_and_text(failure)
    body = msgspec.json.encode({"message": text})
    return ErrorAnswer(status=failure.status, body=body, headers={**failure.headers, NAME_HEADER: name})
