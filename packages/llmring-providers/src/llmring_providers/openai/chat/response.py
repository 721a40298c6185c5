"""A chat completion as the neutral response."""

from typing import Any

import msgspec
from llmring_types import FinishReason, LLMResponse, ToolCall, tool_call
from llmring_types.exceptions import LLMRingError

from llmring_providers._fit.history import sealed
from llmring_providers._fit.tools import unquoted
from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.chat.wire import (
    Call,
    Choice,
    Completion,
    WireMessage,
    all_extras,
    decode_completion,
    have_extras,
    parts_text,
)
from llmring_providers.openai.errors import body_error
from llmring_providers.openai.usage import usage_of

_PLAIN = frozenset({"content", "reasoning", "reasoning_content"})
"""Fields that any host can read."""
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
    # Hosts that let their own word through.
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "abort": "error",
    "insufficient_system_resource": "error",
    "network_error": "error",
    "complete": "stop",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "refusal": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    # Gemini's, as it is or behind a word of its copy of the protocol: "function_call_filter: MALFORMED_FUNCTION_CALL".
    "function_call_filter": "error",
    "malformed_function_call": "error",
    "unexpected_tool_call": "error",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
}


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is not a chat completion.
        ProviderError: the host reports an error with status 200.
    """
    try:
        completion = decode_completion(body)
    except DECODE_ERRORS as error:
        raise malformed("the answer is not a chat completion", call, error) from error
    choices = completion.choices
    if completion.error and (not choices or choices[0].finish_reason in (None, "", "error")):
        raise body_error(completion.error, call)
    if not choices:
        raise bare_error(body, completion.object, call) or malformed("the answer has no choices", call)
    if choices[0].error:
        raise body_error(choices[0].error, call)
    return _response(completion, choices[0], call)


def bare_error(body: bytes, kind: str | None, call: ChatCall) -> LLMRingError | None:
    """The error that a document without choices is, where it has no ``error`` around it."""
    try:
        said = msgspec.json.decode(body)
    except DECODE_ERRORS:  # in a place that nobody looked at
        return None
    blamed = kind == "error" or any(said.get(name) for name in ("message", "detail", "base_resp"))
    return body_error(said, call) if blamed else None


def _response(completion: Completion, choice: Choice, call: ChatCall) -> LLMResponse:
    message = choice.message or WireMessage(content=choice.text if isinstance(choice.text, str) else None)
    made = calls_of(message)
    calls = [neutral_call(call, place) for place, call in enumerate(made)]
    word = finish_word(choice)
    usage = usage_source(completion, choice)
    said = all_extras(completion, choice, message, usage)
    return LLMResponse(
        content=text_of(message),
        model=str(call.ref),
        usage=usage_of(usage, tier=completion.service_tier, quirks=call.quirks),
        finish_reason=finish_reason(word, called=bool(calls), refused=bool(message.refusal)),
        tool_calls=calls or None,
        reasoning=reasoning_of(message) or _detailed_reasoning(message) or None,
        refusal=message.refusal or None,
        provider_finish_reason=word,
        provider_model=completion.model,
        response_id=str(completion.id or "") or None,
        native=native_of(call, said, replay(made, said, spoken_reasoning(message), message.content)),
    )


def finish_word(choice: Choice) -> str | None:
    """The host's own word; some leave it empty."""
    if choice.finish_reason or choice.finish_details is None:
        return choice.finish_reason or None
    return choice.finish_details.type


def finish_reason(word: str | None, *, called: bool, refused: bool) -> FinishReason:
    """The neutral word. A plain end with tool calls means them, a refusal is a filter, and no word is a plain end."""
    found: FinishReason = "stop"
    if word:  # some hosts write OpenAI's words, or Gemini's, in capitals
        found = _FINISH.get(word) or _FINISH.get(word.partition(":")[0].lower(), "other")
    if found != "stop":
        return found
    if refused:
        return "content_filter"
    return "tool_calls" if called else "stop"


def text_of(message: WireMessage) -> str:
    """The text: content, which some hosts send in parts, then the refusal; with spoken answers the transcript."""
    content = message.content
    if isinstance(content, list):
        content = parts_text(content)
    if message.refusal:
        return (content or "") + message.refusal
    if content or message.audio is None:
        return content or ""
    transcript = message.audio.get("transcript") if isinstance(message.audio, dict) else None
    return transcript if isinstance(transcript, str) else ""


def reasoning_of(message: WireMessage) -> str:
    """The reasoning text, wherever the host puts it."""
    found = message.reasoning_content or message.reasoning
    if isinstance(found, str):
        return found
    if not isinstance(message.content, list):
        return ""
    thinking = (part.get("thinking") for part in message.content if isinstance(part, dict))
    return "".join(parts_text(parts) for parts in thinking if isinstance(parts, list))


def _detailed_reasoning(message: WireMessage) -> str:
    """The text that MiniMax puts nowhere else: https://platform.minimax.io/docs/guides/text-m2-function-call."""
    details = message.reasoning_details
    if not isinstance(details, list):
        return ""
    blocks = [block for block in details if isinstance(block, dict)]
    return "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "reasoning.text")


def calls_of(message: WireMessage) -> list[Call]:
    """The calls of a whole message, the legacy single ``function_call`` included."""
    if message.tool_calls or message.function_call is None:
        return message.tool_calls or []
    return [Call(function=message.function_call)]


def neutral_call(wire: Call, place: int) -> ToolCall:
    """A call in the neutral form; that of a custom tool has its free text as the argument ``input``."""
    call_id = str(wire.id or f"call_{place}")
    if wire.custom is not None:
        return tool_call(call_id, wire.custom.name or "", {"input": wire.custom.input or ""})
    if wire.function is None:
        return tool_call(call_id, "", None)
    return tool_call(call_id, wire.function.name or "", unquoted(wire.function.arguments))


def usage_source(completion: Completion, choice: Choice) -> Any:
    """The object that counts the tokens, wherever the host puts it."""
    groq = completion.x_groq
    return completion.counts() or choice.usage or (groq.get("usage") if isinstance(groq, dict) else None)


def spoken_reasoning(message: WireMessage) -> dict[str, str]:
    """The reasoning under the name by which it came."""
    if not message.reasoning_content and not message.reasoning:
        return {}
    named = {"reasoning_content": message.reasoning_content, "reasoning": message.reasoning}
    return next(({name: text} for name, text in named.items() if text and isinstance(text, str)), {})


def replay(made: list[Call], said: dict[str, Any], reasoning: dict[str, str], content: Any) -> dict[str, Any]:
    """The fields of the assistant message that the host wants to see again and that the neutral form cannot carry."""
    block: dict[str, Any] = {}
    if isinstance(content, list) and have_extras(content):
        block["content"] = content
    if details := said.get("reasoning_details"):
        block["reasoning_details"] = details
    if not (details and "reasoning" in reasoning):
        block.update(reasoning)
    if made and any(call.custom is not None or call.extra_content for call in made):
        block["tool_calls"] = [_raw_call(call, place) for place, call in enumerate(made)]
    audio = said.get("audio")
    if isinstance(audio, dict) and audio.get("id"):
        block["audio"] = {"id": audio["id"], "transcript": audio.get("transcript") or ""}
    return block


def _raw_call(made: Call, place: int) -> dict[str, Any]:
    neutral = neutral_call(made, place)
    raw: dict[str, Any] = {"id": neutral["id"], "type": "function", "function": dict(neutral["function"])}
    if made.custom is not None:
        raw = {"id": neutral["id"], "type": "custom", "custom": msgspec.to_builtins(made.custom)}
    if made.extra_content:
        raw["extra_content"] = made.extra_content
    return raw


def native_of(call: ChatCall, said: dict[str, Any], block: dict[str, Any]) -> dict[str, Any] | None:
    """Return the content beyond the neutral form and the items to replay."""
    kept = said.copy()
    if kept.get("service_tier") == "default":
        del kept["service_tier"]
    if block:
        kept["replay"] = [block]
    if not block.keys() <= _PLAIN:
        sealed(kept, call)
    return {"provider": call.ref.provider, "api": "chat", **kept} if kept else None
