"""The two neutral knobs for reasoning as a thinking configuration.

https://ai.google.dev/gemini-api/docs/thinking
"""

from typing import Any

from llmring_types import LLMRequest

from llmring_providers.google.models import GeminiModel

_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576}
_FLASH, _FLASH_LITE, _PRO = (1, 24_576), (512, 24_576), (128, 32_768)
"""Smallest and largest budget of the lines of Gemini 2.5. Flash and Flash-Lite also take 0, Pro thinks always."""

_LEVELS = {"none": "minimal", "xhigh": "high", "max": "high"}
"""Efforts that are not levels themselves."""


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
        config = {"thinkingLevel": _level(str(effort), model)}
    else:
        config = {"thinkingBudget": _BUDGETS.get(str(effort), _range(model)[1])}
    return config | {"includeThoughts": True}


def _least(model: GeminiModel, warnings: list[str]) -> dict[str, Any]:
    """No reasoning, or as little as the model can."""
    if not model.takes_levels and not model.is_pro:
        return {"thinkingBudget": 0}
    warnings.append(f"reasoning cannot be switched off: {model.path} thinks as little as it can")
    if model.takes_levels:
        return {"thinkingLevel": _level("none", model)}
    return {"thinkingBudget": _PRO[0]}


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
    if model.is_pro:
        return _PRO
    return _FLASH_LITE if "-lite" in model.path else _FLASH


def _level(effort: str, model: GeminiModel) -> str:
    """The nearest level that the model has: ``minimal`` only on Flash up to 3.6, ``medium`` not on 3.0 Pro."""
    level = _LEVELS.get(effort, effort)
    if level == "minimal" and (model.is_pro or model.version > (3, 6)):
        return "low"
    if level == "medium" and model.is_pro and model.version == (3, 0):
        return "high"
    return level
