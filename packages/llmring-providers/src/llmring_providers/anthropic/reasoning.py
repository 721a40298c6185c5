"""The reasoning knobs and the limit of output tokens, which Anthropic ties together.

https://platform.claude.com/docs/en/build-with-claude/thinking
https://platform.claude.com/docs/en/build-with-claude/effort

Models up to 4.6 take a budget of thinking tokens, models from 4.6 think adaptively, steered by an effort; 4.6 takes
both. A budget given to a model without one becomes an effort, and an effort given to a model without one a budget.
Thinking counts against ``max_tokens``, so a budget is added to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llmring_types import LLMRequest, ModelFacts

from llmring_providers._fit.models import fitted_effort
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.models import ModelTraits, traits_of

DEFAULT_MAX_TOKENS = 4096
"""Sent when neither the request nor the model's facts give a limit: Anthropic requires one."""

_LEAST_BUDGET = 1024
_MOST_TEMPERATURE = 1
"""https://platform.claude.com/docs/en/api/messages#body-temperature; elsewhere it is 2."""

_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 20480, "max": 24576}
"""Budget for an effort. Even the largest leaves room below the 32,000 output tokens of the smallest such models."""
_ON = ("enabled", "adaptive")
_EFFORTS = ((4096, "low"), (16384, "medium"), (32768, "high"), (65536, "xhigh"))
"""Effort for a budget of at most so many tokens; ``max`` above."""


class _Asked(NamedTuple):
    """Reasoning parameters to send, and the tokens to add to ``max_tokens`` for them."""

    body: dict[str, Any]
    reserve: int = 0


_NOTHING_ASKED = _Asked({})


def limits(call: ChatCall, *, thinking_barred: str | None, warnings: list[str]) -> dict[str, Any]:
    """Return ``max_tokens``, ``thinking``, ``output_config`` and ``temperature`` of a request body.

    Args:
        call: the call.
        thinking_barred: why a thinking budget cannot be had in this conversation, if it cannot.
        warnings: takes a sentence for whatever was dropped or changed.
    """
    request, traits = call.request, traits_of(call.ref.model)
    body, reserve = _NOTHING_ASKED
    if request.reasoning_effort is not None or request.reasoning_tokens is not None:
        body, reserve = _thinking(call, traits, thinking_barred, warnings)
    elif request.max_tokens is None and traits.thinking_off != "unasked":
        reserve = _BUDGETS["high"]  # it thinks by itself
    most = _max_tokens(request, call.facts, reserve)
    if "thinking" in body and (thinking := body["thinking"]).get("budget_tokens", 0) >= most:
        thinking["budget_tokens"] = most // 2
        warnings.append(f"the reasoning budget was cut to {most // 2} tokens: {call.ref} gives {most} in all")
    body = {**body, "max_tokens": most}
    if request.temperature is not None:
        _temperature(body, request.temperature, call, traits, warnings)
    return body


def fit_reasoning(
    body: dict[str, Any], call: ChatCall, *, thinking_barred: str | None, warnings: list[str]
) -> None:
    """Fit what ``extra_params`` say of thinking and effort in Anthropic's own words to the model.

    Models that nobody knows, and other hosts', get what was asked.

    Args:
        body: with ``thinking`` and ``output_config`` as they were given.
        call: the call.
        thinking_barred: why a thinking budget cannot be had in this conversation, if it cannot.
        warnings: takes a sentence for whatever was dropped or changed.
    """
    traits = traits_of(call.ref.model)
    if traits.thinks is None:
        return
    if isinstance(body.get("thinking"), Mapping):
        _fit_thinking(body, call, traits, thinking_barred, warnings)
    _fit_effort(body, call, traits, warnings)
    if body.get("thinking", {}).get("type") in _ON and body.get("temperature", 1) != 1:
        del body["temperature"]
        warnings.append("temperature was dropped: Anthropic does not take it together with thinking")


def _fit_thinking(
    body: dict[str, Any], call: ChatCall, traits: ModelTraits, barred: str | None, warnings: list[str]
) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting"""
    given = body["thinking"] = dict(body["thinking"])
    kind, effort = given.get("type"), (body.get("output_config") or {}).get("effort")
    if kind == "disabled" and traits.thinking_off == "never":
        del body["thinking"]
        warnings.append(f"thinking was not disabled: {call.ref} cannot be kept from it")
    if kind not in _ON:
        return
    if not traits.thinks:
        del body["thinking"]
        warnings.append(f"thinking was dropped: {call.ref} does not think")
    elif kind == "enabled" and not traits.budget:
        tokens = given.get("budget_tokens")
        body["thinking"] = {name: value for name, value in given.items() if name != "budget_tokens"} | {
            "type": "adaptive"
        }
        if traits.hides_thinking:
            body["thinking"].setdefault("display", "summarized")
        if effort is None and isinstance(tokens, int):
            level = _effort(None, tokens, traits.efforts, call, warnings)
            body["output_config"] = {**(body.get("output_config") or {}), "effort": level}
    elif kind == "adaptive" and not traits.efforts:
        tokens = _BUDGETS.get(str(effort), _BUDGETS["medium"])
        body["thinking"] = {"type": "enabled", "budget_tokens": tokens}
        warnings.append(f"adaptive thinking became a budget of {tokens} tokens: {call.ref} has no other")
    elif kind == "adaptive" and given.pop("budget_tokens", None) is not None:
        warnings.append("budget_tokens was dropped: Anthropic takes none together with adaptive thinking")
    if body.get("thinking", {}).get("type") == "enabled":
        _fit_budget(body, call, barred, warnings)


def _fit_budget(body: dict[str, Any], call: ChatCall, barred: str | None, warnings: list[str]) -> None:
    if barred is not None:
        del body["thinking"]
        warnings.append(f"reasoning was dropped: {barred}")
        return
    thinking = body["thinking"]
    budget, limit = thinking.get("budget_tokens"), body["max_tokens"]
    if not isinstance(budget, int) or not isinstance(limit, int):
        return
    if budget < _LEAST_BUDGET:
        warnings.append(f"budget_tokens was raised from {budget} to {_LEAST_BUDGET}, Anthropic's least")
        budget = thinking["budget_tokens"] = _LEAST_BUDGET
    if budget >= limit:
        most = call.facts.max_output_tokens if call.facts is not None else None
        body["max_tokens"] = max(limit, min(limit + budget, most)) if most else limit + budget
        warnings.append(
            f"max_tokens={limit} was sent as {body['max_tokens']}: Anthropic counts the budget of {budget} tokens against it"
        )
        if budget >= body["max_tokens"]:
            thinking["budget_tokens"] = body["max_tokens"] // 2


def _fit_effort(body: dict[str, Any], call: ChatCall, traits: ModelTraits, warnings: list[str]) -> None:
    config = body.get("output_config")
    wanted = config.get("effort") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(wanted, str):
        return
    levels = traits.efforts or traits.output_efforts
    if levels:
        body["output_config"] = {**config, "effort": fitted_effort(wanted, levels, call.ref, warnings)}
        return
    rest = {name: value for name, value in config.items() if name != "effort"}
    if rest:
        body["output_config"] = rest
    else:
        del body["output_config"]
    warnings.append(f"effort was dropped: {call.ref} has none")


def _thinking(call: ChatCall, traits: ModelTraits, barred: str | None, warnings: list[str]) -> _Asked:
    request = call.request
    effort, tokens = request.reasoning_effort, request.reasoning_tokens
    if effort == "none" or (effort is None and not tokens):
        return _no_thinking(call, traits, warnings)
    if traits.thinks is False or (
        traits.thinks is None and call.facts is not None and call.facts.reasoning is False
    ):
        warnings.append(f"reasoning was dropped: {call.ref} does not think")
        return _NOTHING_ASKED
    if not traits.efforts and barred is not None:
        warnings.append(f"reasoning was dropped: {barred}")
        return _NOTHING_ASKED
    if not traits.efforts or (traits.budget and tokens and barred is None):
        return _budget(effort, tokens, traits, warnings)
    level = _effort(effort, tokens, traits.efforts, call, warnings)
    thinking = {"type": "adaptive"}
    if traits.hides_thinking:
        thinking["display"] = "summarized"
    reserve = tokens or (_BUDGETS[level] if request.max_tokens is None else 0)
    return _Asked({"thinking": thinking, "output_config": {"effort": level}}, reserve)


def _no_thinking(call: ChatCall, traits: ModelTraits, warnings: list[str]) -> _Asked:
    if traits.thinking_off == "unasked":
        return _NOTHING_ASKED
    if traits.thinking_off == "never":
        warnings.append(f"{call.ref} cannot be kept from thinking; it was asked for the least")
        return _Asked({"output_config": {"effort": traits.efforts[0]}})
    return _Asked({"thinking": {"type": traits.thinking_off}})


def _budget(effort: str | None, tokens: int | None, traits: ModelTraits, warnings: list[str]) -> _Asked:
    budget = tokens or _BUDGETS[effort or "medium"]
    if budget < _LEAST_BUDGET:
        warnings.append(f"reasoning_tokens was raised from {budget} to {_LEAST_BUDGET}, Anthropic's least")
        budget = _LEAST_BUDGET
    body: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": budget}}
    if effort is not None and effort in traits.efforts:
        body["output_config"] = {"effort": effort}
    return _Asked(body, budget)


def _effort(
    effort: str | None, tokens: int | None, levels: Sequence[str], call: ChatCall, warnings: list[str]
) -> str:
    """Return the level that was asked for, or the nearest one below that the model has."""
    if effort is None:
        effort = next((word for most, word in _EFFORTS if (tokens or 0) <= most), "max")
        warnings.append(f"reasoning_tokens became effort {effort!r}: {call.ref} takes no budget here")
    return fitted_effort(effort, levels, call.ref, warnings)


def _max_tokens(request: LLMRequest, facts: ModelFacts | None, reserve: int) -> int:
    most = facts.max_output_tokens if facts is not None else None
    asked = request.max_tokens or most or DEFAULT_MAX_TOKENS
    wanted = asked + reserve
    return max(asked, min(wanted, most)) if most else wanted


def _temperature(
    body: dict[str, Any], temperature: float, call: ChatCall, traits: ModelTraits, warnings: list[str]
) -> None:
    """Anthropic's default of 1 is taken everywhere; any other value neither with thinking nor by newer models."""
    if temperature != 1:
        if not traits.sampling or (call.facts is not None and call.facts.temperature is False):
            warnings.append(f"temperature was dropped: {call.ref} does not take it")
            return
        if body.get("thinking", {}).get("type") in _ON:
            warnings.append("temperature was dropped: Anthropic does not take it together with thinking")
            return
    if temperature > _MOST_TEMPERATURE:
        warnings.append(f"temperature was cut from {temperature} to {_MOST_TEMPERATURE}, Anthropic's most")
    body["temperature"] = min(temperature, _MOST_TEMPERATURE)
