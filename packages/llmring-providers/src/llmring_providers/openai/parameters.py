"""Parameters that mean the same in both of OpenAI's APIs."""

from collections.abc import Mapping
from typing import Any

from llmring_providers._fit.models import ModelRules, fitted_effort
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.models import spends_on_reasoning, takes_effort, takes_sampling

_REASONING_RESERVE = 2000
"""Tokens added to ``max_tokens`` where neither the request nor the registry says how much reasoning needs."""
_MOST_STOPS = 4
_CACHE = {"key": "prompt_cache_key", "retention": "prompt_cache_retention"}


def output_limit(call: ChatCall, rules: ModelRules, warnings: list[str]) -> int | None:
    """Return the limit of output tokens, with room for reasoning: OpenAI counts it against the same limit.

    https://platform.openai.com/docs/guides/reasoning#controlling-costs
    """
    request, facts = call.request, call.facts
    limit, reserve = request.max_tokens, request.reasoning_tokens
    if limit is None:
        if reserve:
            warnings.append(
                "reasoning_tokens has no effect on OpenAI without max_tokens; use reasoning_effort"
            )
        return None
    if not spends_on_reasoning(call, rules):
        if reserve:
            warnings.append(f"reasoning_tokens has no effect on {call.ref}, which does not reason")
        return limit
    if reserve is None:
        reserve = (facts.min_reasoning_tokens if facts else None) or _REASONING_RESERVE
        warnings.append(
            f"max_tokens={limit} was sent as {limit + reserve}: {call.ref} counts its reasoning against it; "
            "reasoning_tokens sets the room for that, 0 adds none"
        )
    return limit + reserve


def temperature(call: ChatCall, rules: ModelRules, warnings: list[str]) -> float | None:
    """Return the temperature, unless the model is known not to take it; the default of 1 is taken by all."""
    value, facts = call.request.temperature, call.facts
    if value is None or value == 1:
        return value
    if (facts is not None and facts.temperature is False) or not takes_sampling(call, rules):
        warnings.append(f"temperature was dropped: {call.ref} does not take it")
        return None
    return value


def effort(call: ChatCall, rules: ModelRules, warnings: list[str]) -> str | None:
    """Return the reasoning effort that the model has, unless it is known not to reason."""
    value = call.request.reasoning_effort
    if value is None:
        return None
    if takes_effort(call, rules):
        return fitted_effort(value, rules.efforts or (), call.ref, warnings)
    warnings.append(f"reasoning_effort was dropped: {call.ref} does not reason")
    return None


def takes_system(call: ChatCall) -> bool:
    """Tell whether the model takes system messages."""
    return call.facts is None or call.facts.system_message is not False


def system_role(call: ChatCall, warnings: list[str]) -> str:
    """Return the role in which a system message is sent."""
    if takes_system(call):
        return "system"
    told = f"system messages were sent as user messages: {call.ref} takes none"
    if told not in warnings:
        warnings.append(told)
    return "user"


def cache_params(call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/prompt-caching"""
    wanted = call.request.cache or {}
    warnings.extend(
        f"cache[{name!r}] has no effect on OpenAI, which takes 'key' and 'retention'"
        for name in wanted
        if name not in _CACHE
    )
    return {_CACHE[name]: value for name, value in wanted.items() if name in _CACHE}


def note_ignored_marks(call: ChatCall, warnings: list[str]) -> None:
    """Tell that cache marks were left out."""
    if any(message.metadata and "cache_control" in message.metadata for message in call.request.messages):
        warnings.append("cache_control has no effect on OpenAI, which caches long prompts by itself")


def merge_extra(body: dict[str, Any], extra: Mapping[str, Any], nested: frozenset[str]) -> None:
    """Put ``extra_params`` over the body; those named in ``nested`` are merged key by key with what is there."""
    for name, value in extra.items():
        present = body.get(name)
        if name == "api":  # it chose this body
            continue
        if name in nested and isinstance(present, dict) and isinstance(value, Mapping):
            body[name] = {**present, **value}
        else:
            body[name] = value


def fit_to_openai(body: dict[str, Any], warnings: list[str]) -> None:
    """Change what OpenAI itself takes less of than other hosts of chat completions."""
    _limit_stops(body, warnings)
    _drop_metadata(body, warnings)


def _limit_stops(body: dict[str, Any], warnings: list[str]) -> None:
    """https://platform.openai.com/docs/api-reference/chat/create#chat_create-stop"""
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > _MOST_STOPS:
        body["stop"] = stop[:_MOST_STOPS]
        warnings.append(f"stop was cut from {len(stop)} to {_MOST_STOPS} sequences, OpenAI's most")


def _drop_metadata(body: dict[str, Any], warnings: list[str]) -> None:
    """https://github.com/tmc/langchaingo/issues/1484 has the refusal: "only allowed when 'store' is enabled"."""
    if "metadata" in body and not body.get("store"):
        del body["metadata"]
        warnings.append(
            "metadata was dropped: OpenAI takes it with chat completions together with store only"
        )
