"""A chat completion as the neutral response."""

from typing import Any

from llmring_types import FinishReason, LLMResponse, ToolCall, Usage, tool_call

from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.chat.wire import Choice, Completion, WireMessage, WireUsage, decode_completion
from llmring_providers.openai.errors import body_error

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
}


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is no chat completion.
        ProviderError: the host reports an error with status 200.
    """
    try:
        completion = decode_completion(body)
    except DECODE_ERRORS as error:
        raise malformed("the answer is no chat completion", call, error) from error
    if not completion.choices:
        if completion.error:
            raise body_error(completion.error, call)
        raise malformed("the answer has no choices", call)
    return _response(completion, completion.choices[0], call)


def _response(completion: Completion, choice: Choice, call: ChatCall) -> LLMResponse:
    message = choice.message or WireMessage()
    calls = tool_calls(message)
    text = text_of(message.content)
    return LLMResponse(
        content=text or message.refusal or "",
        model=str(call.ref),
        usage=usage_of(completion.usage),
        finish_reason=finish_reason(choice.finish_reason, called=bool(calls), refused=bool(message.refusal)),
        tool_calls=calls or None,
        reasoning=message.reasoning_content or message.reasoning or None,
        refusal=message.refusal or None,
        provider_finish_reason=choice.finish_reason,
        provider_model=completion.model,
        response_id=completion.id,
        native=native_of(
            call, annotations=message.annotations, audio=message.audio, logprobs=choice.logprobs
        ),
    )


def finish_reason(word: str | None, *, called: bool, refused: bool) -> FinishReason | None:
    """The neutral word. A plain end with tool calls means them, and a refusal is a filter whatever the host calls it."""
    if word is None:
        return None
    found = _FINISH.get(word, "other")
    if found != "stop":
        return found
    if refused:
        return "content_filter"
    return "tool_calls" if called else "stop"


def text_of(content: str | list[Any] | None) -> str:
    """The text of a content that is text or a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content or ""


def tool_calls(message: WireMessage) -> list[ToolCall]:
    """The calls of a whole message, the legacy single ``function_call`` included."""
    calls = [
        tool_call(wire.id or f"call_{place}", wire.function.name or "", wire.function.arguments)
        for place, wire in enumerate(message.tool_calls or ())
        if wire.function is not None
    ]
    if not calls and message.function_call is not None:
        calls.append(tool_call("call_0", message.function_call.name or "", message.function_call.arguments))
    return calls


def usage_of(wire: WireUsage | None) -> Usage | None:
    """Token counts in the neutral keys; https://platform.openai.com/docs/api-reference/completions/object"""
    if wire is None:
        return None
    usage: Usage = {}
    if wire.prompt_tokens is not None:
        usage["prompt_tokens"] = wire.prompt_tokens
    if wire.completion_tokens is not None:
        usage["completion_tokens"] = wire.completion_tokens
    if wire.total_tokens is not None:
        usage["total_tokens"] = wire.total_tokens
    elif wire.prompt_tokens is not None and wire.completion_tokens is not None:
        usage["total_tokens"] = wire.prompt_tokens + wire.completion_tokens
    if (prompt := wire.prompt_tokens_details) is not None:
        if prompt.cached_tokens is not None:
            usage["cache_read_input_tokens"] = prompt.cached_tokens
        if prompt.cache_write_tokens is not None:
            usage["cache_creation_input_tokens"] = prompt.cache_write_tokens
    if (completion := wire.completion_tokens_details) is not None and completion.reasoning_tokens is not None:
        usage["reasoning_tokens"] = completion.reasoning_tokens
    return usage


def native_of(call: ChatCall, **said: Any) -> dict[str, Any] | None:
    """What was said beyond the neutral form, if anything."""
    kept = {name: value for name, value in said.items() if value}
    return {"provider": call.ref.provider, "api": "chat", **kept} if kept else None
