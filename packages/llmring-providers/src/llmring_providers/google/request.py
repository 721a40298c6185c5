"""The neutral request as a ``generateContent`` body.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Mapping
from typing import Any

from llmring_types import LLMRequest

from llmring_providers._fit.fitting import Fit, are_plain, fitted
from llmring_providers._fit.models import fitted_effort, nearest_effort
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.parameters import with_own_fields
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.google.contents import CONTINUED, encode_contents
from llmring_providers.google.extra_params import extra_tools, merge_extra
from llmring_providers.google.models import NAMES, GeminiModel, model_of
from llmring_providers.google.tools import (
    ANSWER_TOOL,
    JsonAnswer,
    Tools,
    as_config,
    as_function,
    camel,
    function_calling,
    json_answer,
)

FIT = Fit(
    whose="Gemini",
    names=NAMES,
    ids=NameRule(taken=None),
    rules=lambda call: model_of(call.ref.model).rules,
    needs_turn=True,
    continued=CONTINUED,
)
_OWN_FIELDS = frozenset({"max_tokens", "response_format", "tool_choice"})
_PENALTIES = ("frequencyPenalty", "presencePenalty")
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576}


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of it that Gemini cannot carry.
    """
    warnings: list[str] = []
    if call.request.extra_params:
        call = with_own_fields(call, _OWN_FIELDS)
    plain = are_plain(call.request.messages)
    call = fitted(call, FIT, warnings, plain=plain)
    request, model = call.request, model_of(call.ref.model)
    system, turns = encode_contents(call, model, warnings, plain=plain)
    body: dict[str, Any] = {"contents": turns}
    if system:
        body["systemInstruction"] = {"parts": system}
    config = _limits(call, model, warnings)
    notes = _tools_and_format(body, config, call, model, warnings)
    if config:
        body["generationConfig"] = config
    if request.cache:
        _cache(body, request.cache, warnings)
    if request.extra_params:
        merge_extra(body, request.extra_params, warnings)
        _fit_generation(body, model, warnings)
    action = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return WireRequest(
        path=f"/{model.path}:{action}",
        body=encode_body(body, call, plain=plain),
        warnings=tuple(warnings),
        notes=notes,
    )


def _limits(call: ChatCall, model: GeminiModel, warnings: list[str]) -> dict[str, Any]:
    request, facts = call.request, call.facts
    config: dict[str, Any] = {}
    if request.temperature is not None:
        if facts is not None and facts.temperature is False:
            warnings.append(f"temperature was dropped: {call.ref} does not take it")
        else:
            config["temperature"] = request.temperature
    thinking: dict[str, Any] | None = None
    if request.reasoning_tokens is not None or request.reasoning_effort is not None:
        thinking = thinking_config(request, model, warnings)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
        if request.reasoning_tokens and thinking is not None:
            # Thoughts count against the limit, so a budget that was asked for comes on top.
            limit = request.max_tokens + thinking["thinkingBudget"]
            most = facts.max_output_tokens if facts is not None else None
            config["maxOutputTokens"] = limit if most is None else max(request.max_tokens, min(limit, most))
    return config


def _tools_and_format(
    body: dict[str, Any], config: dict[str, Any], call: ChatCall, model: GeminiModel, warnings: list[str]
) -> Mapping[str, Any]:
    """Fill in tools, their choice and the form of the answer, which depend on each other; return the notes."""
    request = call.request
    answer = json_answer(call)
    added = extra_tools(request.extra_params) if request.extra_params else []
    if not request.tools and not added:
        if answer is not None:
            config.update(as_config(answer, call))
        if request.tool_choice is not None:
            function_calling(request.tool_choice, Tools((), call), warnings)
        return {}
    tools = Tools([*(request.tools or ()), *added], call)
    choice = function_calling(request.tool_choice, tools, warnings)
    notes: Mapping[str, Any] = {}
    if answer is not None:
        if model.combines_tools or not tools.functions:
            config.update(as_config(answer, call))
        else:
            choice, notes = _answer_by_tool(answer, tools, choice, call, warnings)
    body["tools"] = tools.wire()
    tool_config = _tool_config(tools, choice, model)
    if tool_config:
        body["toolConfig"] = tool_config
    return notes


def _tool_config(tools: Tools, choice: dict[str, Any] | None, model: GeminiModel) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if tools.hosted and tools.functions and model.combines_tools and not model.on_vertex:
        config["includeServerSideToolInvocations"] = True  # without it the combination is refused
        if choice == {"mode": "AUTO"}:
            return config  # the combination has a default of its own and does not take this one
    if choice is not None:
        config["functionCallingConfig"] = choice
    return config


def _answer_by_tool(
    answer: JsonAnswer, tools: Tools, choice: dict[str, Any] | None, call: ChatCall, warnings: list[str]
) -> tuple[dict[str, Any] | None, Mapping[str, Any]]:
    if answer.schema is None:
        warnings.append(
            f"the wish for JSON was dropped: {call.ref} refuses it beside functions; give a schema"
        )
        return choice, {}
    choice = choice or {}
    if choice.get("mode") == "ANY":
        # The user wants a call of their functions now; the answer comes in a later turn.
        return {**choice, "allowedFunctionNames": choice.get("allowedFunctionNames") or tools.names()}, {}
    tools.functions.append(as_function(answer.schema, call))
    notes = {"answer_schema": answer.schema}
    if choice.get("mode") == "NONE":
        return {"mode": "ANY", "allowedFunctionNames": [ANSWER_TOOL]}, notes
    return {"mode": "ANY"}, notes


def _cache(body: dict[str, Any], cache: Mapping[str, Any], warnings: list[str]) -> None:
    """https://ai.google.dev/gemini-api/docs/caching"""
    for name, value in cache.items():
        if camel(name) == "cachedContent":
            body["cachedContent"] = value
        else:
            warnings.append(f"cache[{name!r}] has no effect on Gemini, which takes 'cached_content'")


def thinking_config(request: LLMRequest, model: GeminiModel, warnings: list[str]) -> dict[str, Any] | None:
    """Return the configuration that the request asks for, if any; thoughts are asked for with it.

    A budget in tokens goes before an effort, since Gemini takes only one of them.
    """
    tokens, effort = request.reasoning_tokens, request.reasoning_effort
    if tokens is None and effort is None:
        return None
    if not model.thinks:
        if tokens or effort not in (None, "none"):
            warnings.append(f"reasoning was dropped: {model.path} does not think")
        return None
    if tokens is not None and effort is not None:
        warnings.append("reasoning_effort was dropped: Gemini takes it or reasoning_tokens, not both")
    if tokens == 0 or (tokens is None and effort == "none"):
        return _least(model, warnings)
    if tokens is not None:
        config: dict[str, Any] = {"thinkingBudget": _budget(tokens, model, warnings)}
    elif model.takes_levels:
        config = {
            "thinkingLevel": fitted_effort(str(effort), model.rules.efforts or (), model.path, warnings)
        }
    else:
        config = {"thinkingBudget": _budget_for(str(effort), model, warnings)}
    return config | {"includeThoughts": True}


def _fit_generation(body: dict[str, Any], model: GeminiModel, warnings: list[str]) -> None:
    """Fit what ``extra_params`` say in Gemini's own words to the model."""
    tier = body.get("serviceTier")
    if tier == "default":
        body["serviceTier"] = "standard"
    elif tier == "auto":
        del body["serviceTier"]
        warnings.append("service_tier 'auto' was dropped: Gemini has no such tier")
    config = body.get("generationConfig")
    if not isinstance(config, dict):
        return
    if model.rules.penalties is False:
        warnings.extend(
            f"{name} was dropped: {model.path} does not take it"
            for name in _PENALTIES
            if config.pop(name, None) is not None
        )
    given = config.get("thinkingConfig")
    if isinstance(given, dict):
        fitted = _fit_thinking(given, model, warnings)
        if fitted is None:
            del config["thinkingConfig"]
        else:
            config["thinkingConfig"] = fitted


def _fit_thinking(given: Mapping[str, Any], model: GeminiModel, warnings: list[str]) -> dict[str, Any] | None:
    """https://ai.google.dev/gemini-api/docs/thinking"""
    if not model.thinks:
        warnings.append(f"thinkingConfig was dropped: {model.path} does not think")
        return None
    rest = {name: value for name, value in given.items() if name not in ("thinkingLevel", "thinkingBudget")}
    level, tokens = given.get("thinkingLevel"), given.get("thinkingBudget")
    if isinstance(level, str):
        wanted = level.lower()
        if model.takes_levels:
            found = fitted_effort(wanted, model.rules.efforts or (), model.path, warnings)
            return {**rest, "thinkingLevel": level if found == wanted else found}
        tokens = _budget_for(wanted, model, warnings)
        warnings.append(f"thinkingLevel became a thinkingBudget of {tokens}: {model.path} takes no level")
        return {**rest, "thinkingBudget": tokens}
    if type(tokens) is not int or tokens < 0 or model.takes_levels:  # below 0 the model chooses
        return dict(given)
    if tokens == 0:
        return {**rest, **_least(model, warnings)}
    return {**rest, "thinkingBudget": _budget(tokens, model, warnings)}


def _least(model: GeminiModel, warnings: list[str]) -> dict[str, Any]:
    """No reasoning, or as little as the model can."""
    if not model.takes_levels and not model.is_pro:
        return {"thinkingBudget": 0}
    warnings.append(f"reasoning cannot be switched off: {model.path} thinks as little as it can")
    if model.takes_levels:
        return {"thinkingLevel": nearest_effort("none", model.rules.efforts or ())}
    return {"thinkingBudget": _range(model)[0]}


def _budget_for(effort: str, model: GeminiModel, warnings: list[str]) -> int:
    """The budget for an effort; the largest one for those above ``high``, which is that of ``high`` on some models."""
    largest = _range(model)[1]
    if effort not in _BUDGETS and largest <= _BUDGETS["high"]:
        warnings.append(
            f"reasoning_effort {effort!r} became 'high': {model.path} takes no budget above {largest}"
        )
    return _BUDGETS.get(effort, largest)


def _budget(tokens: int, model: GeminiModel, warnings: list[str]) -> int:
    if model.takes_levels:  # these take budgets too, of no documented range
        return tokens
    smallest, largest = _range(model)
    if smallest <= tokens <= largest:
        return tokens
    nearest = min(max(tokens, smallest), largest)
    warnings.append(f"reasoning_tokens became {nearest}: {model.path} takes {smallest} to {largest}")
    return nearest


def _range(model: GeminiModel) -> tuple[int, int]:
    """The smallest and the largest budget; Flash and Flash-Lite also take 0, Pro thinks always."""
    return model.rules.budgets or (1, _BUDGETS["high"])
