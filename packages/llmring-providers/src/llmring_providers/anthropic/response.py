"""A message as the neutral response."""

from collections import Counter
from itertools import product
from operator import attrgetter
from typing import Any, NamedTuple, cast

import msgspec
from llmring_types import FinishReason, LLMResponse, TokenCounts, ToolCall, Usage, tool_call

from llmring_providers._billing import add_billing, counts_beside_cache
from llmring_providers._fit.history import sealed
from llmring_providers._fit.tools import unquoted
from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.errors import reported_error
from llmring_providers.anthropic.tools import restore_fields
from llmring_providers.anthropic.wire import (
    Block,
    WireMessage,
    WireUsage,
    decode_block,
    decode_json,
    decode_lax_message,
    decode_message,
)

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_PLAIN = frozenset({"text", "tool_use"})
_USUAL = {
    "service_tier": (None, "standard"),
    "inference_geo": (None, "global", "not_available"),
    "speed": (None, "standard"),
}
"""Values of a standard answer; any other has another price.

https://platform.claude.com/docs/en/about-claude/pricing
"""
_UNCOUNTED = ("server_tool_use", "iterations", "fallback_credit", *_USUAL)
_uncounted = attrgetter(*_UNCOUNTED)
_STANDARD = tuple(product((None,), (None,), (None,), *_USUAL.values()))
"""Those fields in a standard answer, where none has to be read by itself."""
_said = attrgetter(
    "container",
    "stop_sequence",
    "stop_details",
    "context_management",
    "input_transformations",
    "diagnostics",
)
_NOTHING = (None,) * 6


class _Content(NamedTuple):
    text: str
    reasoning: str
    calls: list[ToolCall]
    replay: list[Any] | None


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is not a message.
        ProviderError: the host reports an error with status 200.
    """
    try:
        try:
            message = decode_message(body)
        except msgspec.ValidationError:
            message = decode_lax_message(body)
        content = _content(message.blocks())
    except DECODE_ERRORS as error:
        raise malformed("the answer is not a message", call, error) from error
    if content.calls:
        restore_fields(content.calls, call)
    if message.content is None:
        if message.error:
            raise reported_error(message.error, call, request_id=message.request_id)
        said = decode_json(body)
        if said.get("detail") or said.get("message"):
            raise reported_error(said, call)
        raise malformed("the answer has no content", call)
    return LLMResponse(
        content=content.text,
        model=str(call.ref),
        usage=usage_of(message.usage),
        finish_reason=finish_reason(message.stop_reason or "end_turn", called=bool(content.calls)),
        tool_calls=content.calls or None,
        reasoning=content.reasoning or None,
        refusal=refusal_of(message),
        provider_finish_reason=message.stop_reason,
        provider_model=message.model,
        response_id=message.id,
        native=native_of(message, call, content.replay),
    )


def _content(blocks: list[msgspec.Raw]) -> _Content:
    text, reasoning, plain = "", "", True
    calls: list[ToolCall] = []
    for raw in blocks:
        block = decode_block(raw)
        if block.type == "text":
            text += block.text or ""
        elif block.type == "tool_use":
            calls.append(call_of(block, bytes(block.input).decode(), len(calls)))
        elif block.type == "thinking":
            reasoning += block.thinking or ""
        plain = plain and is_plain(block)
    return _Content(text, reasoning, calls, None if plain else [decode_json(raw) for raw in blocks])


def is_plain(block: Block) -> bool:
    """Return whether the neutral form says all that the block says."""
    if block.type not in _PLAIN or block.citations or block.toolset_name:
        return False
    caller = block.caller
    return caller is None or (isinstance(caller, dict) and caller.get("type") == "direct")


def call_of(block: Block, arguments: str, place: int) -> ToolCall:
    """Build the call of a ``tool_use`` block; some hosts give it no id."""
    return tool_call(
        block.id or f"call_{place}", block.name or "", "" if arguments == "null" else unquoted(arguments)
    )


def finish_reason(word: str | None, *, called: bool) -> FinishReason | None:
    """The neutral word; a plain end with tool calls means them."""
    if word is None:
        return None
    found = _FINISH.get(word, "other")
    return "tool_calls" if called and found == "stop" else found


def refusal_of(message: WireMessage) -> str | None:
    """Return the reason of a refusal, where the model gives one."""
    details = message.stop_details
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if message.stop_reason == "refusal" and isinstance(explanation, str) else None


def usage_of(wire: WireUsage | None) -> Usage | None:
    """Token counts in the neutral keys; Anthropic counts cache reads and writes beside the fresh input.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
    """
    if wire is None:
        return None
    usage = cast("Usage", _counts(wire))
    if _uncounted(wire) in _STANDARD:
        return usage
    if wire.iterations and (spent := _compactions(wire.iterations)):
        usage["compaction"] = spent
    tools = wire.server_tool_use
    searches = tools.get("web_search_requests") if isinstance(tools, dict) else None
    return add_billing(usage, tier=_tier(wire), searches=searches)


def _tier(wire: WireUsage) -> str | None:
    """Return what makes the tokens dearer or cheaper: fast mode, a service tier, inference in one country.

    https://platform.claude.com/docs/en/about-claude/pricing
    """
    named = [wire.speed, wire.service_tier]
    if isinstance(wire.inference_geo, str) and wire.inference_geo not in _USUAL["inference_geo"]:
        named.append(f"inference_geo:{wire.inference_geo}")
    unusual = [word for word in named if isinstance(word, str) and word != "standard"]
    return "+".join(unusual) or None


def _counts(wire: WireUsage) -> dict[str, int]:
    counts = counts_beside_cache(
        given=wire.input_tokens,
        made=wire.output_tokens,
        read=wire.cache_read_input_tokens,
        written=wire.cache_creation_input_tokens,
    )
    if wire.cache_creation is not None or wire.output_tokens_details is not None:
        _add_details(counts, wire)
    return counts


def _add_details(counts: dict[str, int], wire: WireUsage) -> None:
    details, split = wire.output_tokens_details, wire.cache_creation
    found = {
        "cache_creation_5m_tokens": split.ephemeral_5m_input_tokens if split else None,
        "cache_creation_1h_tokens": split.ephemeral_1h_input_tokens if split else None,
        "reasoning_tokens": details.thinking_tokens if details else None,
    }
    counts.update((name, count) for name, count in found.items() if count is not None)


def _compactions(iterations: Any) -> TokenCounts | None:
    """Return the tokens of compactions by the answering model: billed, and left out of Anthropic's totals.

    https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage
    """
    spent: Counter[str] = Counter()
    for turn in iterations if isinstance(iterations, list) else ():
        if _type(turn) == "compaction":
            try:
                spent.update(_counts(msgspec.convert(turn, WireUsage, strict=False)))
            except msgspec.ValidationError:  # of a shape that nobody can count
                return None
    return cast("TokenCounts", dict(spent)) or None


def native_of(message: WireMessage, call: ChatCall, replay: list[Any] | None) -> dict[str, Any] | None:
    """Return the blocks to replay and the content beyond the neutral form, if any."""
    usage = message.usage
    standard = usage is None or _uncounted(usage) in _STANDARD
    if replay is None and standard and _said(message) == _NOTHING:
        return None
    said: dict[str, Any] = {
        "replay": replay,
        "container": message.container,
        "stop_sequence": message.stop_sequence,
        "stop_details": message.stop_details,
        "context_management": message.context_management,
        "input_transformations": message.input_transformations,
        "diagnostics": message.diagnostics,
    }
    if usage is not None:
        said |= _usage_extras(usage)
    kept = {name: value for name, value in said.items() if value}
    return {"provider": call.ref.provider, **sealed(kept, call)} if kept else None


def _usage_extras(usage: WireUsage) -> dict[str, Any]:
    """Return what is billed beside the tokens or at another price, and its share of each turn and compaction."""
    tools, iterations = usage.server_tool_use, usage.iterations
    one_turn = isinstance(iterations, list) and [_type(turn) for turn in iterations] == ["message"]
    used = not isinstance(tools, dict) or any(tools.values())
    return {
        "server_tool_use": tools if used else None,
        "iterations": None if one_turn else iterations,
        "fallback_credit": usage.fallback_credit,
        **{name: value for name, usual in _USUAL.items() if (value := getattr(usage, name)) not in usual},
    }


def _type(turn: Any) -> Any:
    return turn.get("type", "message") if isinstance(turn, dict) else None
