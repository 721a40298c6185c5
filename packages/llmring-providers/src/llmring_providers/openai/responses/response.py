"""A response of the responses API as the neutral one."""

from collections.abc import Sequence
from typing import Any

from llmring_types import FinishReason, LLMResponse

from llmring_providers._fit.history import sealed
from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.errors import body_error
from llmring_providers.openai.responses.items import Answer, read_items, replay_items
from llmring_providers.openai.responses.request import has_custom
from llmring_providers.openai.responses.wire import Response, decode_response
from llmring_providers.openai.usage import unusual, usage_of

_FINISH: dict[str, FinishReason] = {
    "completed": "stop",
    "complete": "stop",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "cancelled": "error",
    "failed": "error",
}


_USUAL_ACCESS = {"cyber": "standard"}


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is not a response object.
        ProviderError: the response failed, or the host reports an error with status 200.
    """
    try:
        response = decode_response(body)
        check(response, call)
        answer = read_items(output_of(response), custom=offers_custom(call))
    except DECODE_ERRORS as error:
        raise malformed("the answer is not a response object", call, error) from error
    word = finish_word(response)
    return LLMResponse(
        content=answer.content,
        model=str(call.ref),
        usage=usage_of(
            response.usage,
            tier=response.service_tier,
            searches=count_searches(response, response.output or ()),
        ),
        finish_reason=finish_reason(word, answer),
        tool_calls=answer.calls or None,
        reasoning=answer.reasoning or None,
        refusal=answer.refusal or None,
        provider_finish_reason=word,
        provider_model=response.model,
        response_id=None if response.id is None else str(response.id),
        native=native_of(call, response, answer, response.output or ()),
        warnings=_unfinished(word),
    )


def output_of(response: Response) -> list[dict[str, Any]]:
    """Return the items, or the one that stands for the text which a host sends in their place."""
    if not response.output and isinstance(response.output_text, str) and response.output_text:
        return [{"type": "message", "role": "assistant", "content": response.output_text}]
    return response.output or []


def _unfinished(word: str | None) -> list[str]:
    """Return a warning of an answer that runs in the background: https://platform.openai.com/docs/guides/background"""
    if word not in {"in_progress", "queued"}:
        return []
    return [f"the answer is not finished: it is {word}; ask the provider for it by its response_id"]


def count_searches(response: Response, output: Sequence[dict[str, Any]]) -> int:
    """Return the searches that OpenAI counts, else those among the items; opening a page found by one is not billed.

    https://platform.openai.com/docs/guides/tools-web-search#output-and-citations
    """
    used = response.tool_usage.get("web_search") if isinstance(response.tool_usage, dict) else None
    counted = used.get("num_requests") if isinstance(used, dict) else None
    if type(counted) is int:
        return counted
    actions = (item.get("action") for item in output if item.get("type") == "web_search_call")
    return sum(not isinstance(action, dict) or action.get("type", "search") == "search" for action in actions)


def offers_custom(call: ChatCall) -> bool:
    """Return whether the call may offer a custom tool; a stored prompt has tools that only OpenAI knows."""
    given = call.request.extra_params
    return has_custom(call.request.tools) or has_custom(given.get("tools")) or "prompt" in given


def check(response: Response, call: ChatCall) -> None:
    """Raise what the response says of itself: that it failed, or nothing at all.

    Raises:
        MalformedResponseError: it has neither output nor status.
        ProviderError: it failed.
    """
    if response.status == "failed" or (response.error and not response.output):
        raise body_error(response.error or "the response failed, and does not say why", call)
    if response.output is None and response.status is None:
        raise malformed("the answer has no output", call)


def finish_word(response: Response) -> str | None:
    """The provider's own word: the status, or why it is incomplete."""
    details = response.incomplete_details
    if response.status == "incomplete" and details is not None and details.reason:
        return details.reason
    return response.status


def finish_reason(word: str | None, answer: Answer) -> FinishReason:
    """The neutral word. A plain end with tool calls means them, and a refusal is a filter."""
    found: FinishReason = _FINISH.get(word, "other") if word else "stop"
    if found != "stop":
        return found
    if answer.refusal:
        return "content_filter"
    return "tool_calls" if answer.calls else "stop"


def native_of(
    call: ChatCall, response: Response, answer: Answer, output: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    """Return the content beyond the neutral form and the items to replay."""
    said = {
        "annotations": answer.annotations,
        "logprobs": answer.logprobs,
        "moderation": response.moderation,
        "service_tier": response.service_tier if response.service_tier not in ("default", "auto") else None,
        "content_filters": response.content_filters,
        "tool_usage": unusual(response.tool_usage),
        "input_transformations": response.input_transformations,
        "prompt_cache_diagnostics": response.prompt_cache_diagnostics,
        "conversation": response.conversation,
        "access_programs": response.access_programs if response.access_programs != _USUAL_ACCESS else None,
        "usage": unusual(response.usage),
        "replay": replay_items(output),
    }
    kept = {name: value for name, value in said.items() if value}
    return {"provider": call.ref.provider, "api": "responses", **sealed(kept, call)} if kept else None
