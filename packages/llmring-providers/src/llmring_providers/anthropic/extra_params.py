"""``extra_params`` in a body of the Messages API: OpenAI's names translated, what Anthropic refuses left out."""

from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.parameters import NOT_OF_ANTHROPIC, without_foreign
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.models import traits_of
from llmring_providers.anthropic.reasoning import fit_reasoning

_REASONING = frozenset({"thinking", "output_config"})
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_LEAST_TOP_P = 0.95
HEADERS = {"user_profile_id": "anthropic-user-profile-id", "workspace_id": "anthropic-workspace-id"}
"""Parameters that are not of the body."""
_TIERS = {"default": "standard_only", "standard": "standard_only"}
_OWN_TIERS = ("auto", "standard_only")
"""https://platform.claude.com/docs/en/api/messages#body-service-tier"""


def merge_extra(
    body: dict[str, Any], call: ChatCall, *, thinking_barred: str | None, warnings: list[str]
) -> tuple[str, ...]:
    """Merge ``extra_params`` into the body and return the betas among them."""
    extra = without_foreign(call.request.extra_params, NOT_OF_ANTHROPIC, "Anthropic", warnings)
    betas = _betas(extra.pop("betas", None) or [], call)
    if extra.pop("parallel_tool_calls", None) is False:
        _one_call_at_a_time(body, extra, warnings)
    stop = extra.pop("stop", None)
    if stop and (kept := _stops(stop, warnings)):
        body["stop_sequences"] = kept
    if (user := extra.pop("user", None)) is not None:
        body["metadata"] = {"user_id": user}
    if isinstance(metadata := extra.get("metadata"), Mapping) and metadata.keys() - {"user_id"}:
        extra["metadata"] = {name: value for name, value in metadata.items() if name == "user_id"}
        warnings.append("metadata was cut to 'user_id', all that Anthropic takes")
    if (tier := extra.get("service_tier")) is not None and tier not in _OWN_TIERS:
        _tier(extra, tier, warnings)
    if not _REASONING.isdisjoint(extra):
        _merge(body, {name: extra.pop(name) for name in _REASONING & extra.keys()})
        fit_reasoning(body, call, thinking_barred=thinking_barred, warnings=warnings)
    for name, value in sorted(extra.items(), key=lambda item: item[0] != "temperature"):
        if name in HEADERS:
            continue
        if name in _SAMPLING and (why := _refusal(name, value, body, call)) is not None:
            warnings.append(f"{name} was dropped: {why}")
        else:
            _merge(body, {name: value})
    return betas


def _merge(body: dict[str, Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if isinstance(value, Mapping) and isinstance(body.get(name), dict) and name != "thinking":
            body[name] = {**body[name], **value}
        else:
            body[name] = value


def _tier(extra: dict[str, Any], tier: Any, warnings: list[str]) -> None:
    """Translate the standard tier of other vendors, and leave out those that Anthropic has not."""
    if (own := _TIERS.get(str(tier))) is not None:
        extra["service_tier"] = own
        return
    del extra["service_tier"]
    warnings.append(f"service_tier {tier!r} was dropped: Anthropic takes {' and '.join(_OWN_TIERS)}")


def _refusal(name: str, value: Any, body: Mapping[str, Any], call: ChatCall) -> str | None:
    """Return why a sampling parameter cannot be sent.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
    """
    traits = traits_of(call.ref.model)
    if not traits.sampling:
        return f"{call.ref} does not take it"
    if name == "top_p" and "temperature" in body and traits.either_sampler:
        return f"{call.ref} takes temperature or top_p, not both"
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        if name == "top_k" or (name == "temperature" and value != 1):
            return "Anthropic does not take it together with thinking"
        if name == "top_p" and isinstance(value, (int, float)) and value < _LEAST_TOP_P:
            return f"Anthropic takes it from {_LEAST_TOP_P} up together with thinking"
    return None


def _stops(given: Any, warnings: list[str]) -> list[Any]:
    stops = given if isinstance(given, list) else [given]
    kept = [stop for stop in stops if not isinstance(stop, str) or stop.strip()]
    if len(kept) < len(stops):
        warnings.append("a blank stop sequence was dropped: Anthropic takes none of white space alone")
    return kept


def _betas(given: Any, call: ChatCall) -> tuple[str, ...]:
    betas = [given] if isinstance(given, str) else given
    if not isinstance(betas, (list, tuple)) or not all(isinstance(beta, str) for beta in betas):
        raise UnsupportedContentError(
            f"extra_params['betas'] must be a list of names; got {given!r}",
            provider=call.ref.provider,
            part="betas",
        )
    return tuple(betas)


def _one_call_at_a_time(body: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]) -> None:
    if not (body.get("tools") or extra.get("tools")):
        warnings.append("parallel_tool_calls was dropped: Anthropic takes it together with tools only")
    elif (choice := body.get("tool_choice", {"type": "auto"})).get("type") != "none":
        body["tool_choice"] = {**choice, "disable_parallel_tool_use": True}
