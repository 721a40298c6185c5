"""``extra_params`` in a body of OpenAI's: what the model or OpenAI itself refuses is changed or left out, and reported.

A value that the request's own fields have put into the body is looked at in the same way: each rule stands here once.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from llmring_providers._fit.models import ModelRules, fitted_effort
from llmring_providers._fit.parameters import NOT_OF_OPENAI, OF_RESPONSES_ALONE, without_foreign
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.models import is_own_host, is_own_model, takes_effort, takes_sampling

Api = Literal["chat", "responses"]
_SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
_MORE_SAMPLING = _SAMPLING | {"presence_penalty", "frequency_penalty", "logit_bias"}
"""Of models that take none at all: https://platform.openai.com/docs/guides/reasoning"""
_MOST_STOPS = 4
_LONGEST_ID = 64
_IDS = ("prompt_cache_key", "safety_identifier", "user")
"""https://platform.openai.com/docs/api-reference/responses/create#responses_create-prompt_cache_key"""
_LEAST_OUTPUT = 16
"""Of the responses API: https://github.com/earendil-works/pi/issues/6265 has the refusal."""
_MOST_PAIRS, _LONGEST_NAME, _LONGEST_VALUE = 16, 64, 512
"""Of metadata: https://platform.openai.com/docs/api-reference/responses/create#responses_create-metadata"""
_PLACES: Mapping[Api, Mapping[str, tuple[str, ...]]] = {
    "chat": {"effort": ("reasoning_effort",), "verbosity": ("verbosity",)},
    "responses": {"effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")},
}


def fitting_extra(
    call: ChatCall, rules: ModelRules, warnings: list[str], *, foreign: frozenset[str] = NOT_OF_OPENAI
) -> Mapping[str, Any]:
    """Return the extra parameters, but for those that the model or OpenAI itself refuses, each with a warning."""
    extra = call.request.extra_params
    if extra and is_own_host(call) and is_own_model(call):
        extra = without_foreign(extra, foreign, "OpenAI", warnings)
    if rules.stop is False and "stop" in extra:
        warnings.append(f"stop was dropped: {call.ref} does not take it")
        extra = {name: value for name, value in extra.items() if name != "stop"}
    if is_own_host(call) and isinstance(metadata := extra.get("metadata"), Mapping):
        extra = {**extra, "metadata": _metadata(metadata, warnings)}
    if rules.parallel_calls is False and "parallel_tool_calls" in extra:
        warnings.append(f"parallel_tool_calls was dropped: {call.ref} does not take it")
        extra = {name: value for name, value in extra.items() if name != "parallel_tool_calls"}
    if takes_sampling(call, rules):
        return extra
    refused = _MORE_SAMPLING if rules.sampling == "never" else _SAMPLING
    when = "" if rules.sampling == "never" else " while it reasons"
    found = sorted(name for name in extra if name in refused)
    warnings.extend(f"{name} was dropped: {call.ref} does not take it{when}" for name in found)
    return {name: value for name, value in extra.items() if name not in refused}


def _metadata(metadata: Mapping[str, Any], warnings: list[str]) -> dict[str, str]:
    """Return metadata as OpenAI takes it: texts, not too many and not too long."""
    written = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in metadata.items()
        if value is not None
    }
    warnings.extend(
        f"metadata[{name!r}] was sent as text: OpenAI takes texts only"
        for name, value in written.items()
        if metadata[name] != value
    )
    short = {name[:_LONGEST_NAME]: value[:_LONGEST_VALUE] for name, value in written.items()}
    short = dict(list(short.items())[:_MOST_PAIRS])
    if short != written:
        warnings.append(
            f"metadata was cut: OpenAI takes {_MOST_PAIRS} pairs, names of {_LONGEST_NAME} characters and values of"
            f" {_LONGEST_VALUE}"
        )
    return short


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


def fit_chat(body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]) -> None:
    """Change what OpenAI itself takes less of than other hosts of chat completions."""
    _limit_stops(body, warnings)
    _drop_metadata(body, warnings)
    _move_to_chat(body, warnings)
    if rules.family and (limit := body.pop("max_tokens", None)) is not None:
        body["max_completion_tokens"] = limit  # reasoning families refuse the older name
    if is_own_model(call):
        _fit_values(body, call, rules, warnings, api="chat")


def fit_responses(body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]) -> None:
    """Change what OpenAI itself refuses of a body of the responses API; other hosts get what was asked."""
    if not is_own_host(call) or not is_own_model(call):
        return
    limit = body.get("max_output_tokens")
    if type(limit) is int and limit < _LEAST_OUTPUT:
        body["max_output_tokens"] = _LEAST_OUTPUT
        warnings.append(
            f"max_tokens was raised from {limit} to {_LEAST_OUTPUT}, the least of the responses API"
        )
    _fit_values(body, call, rules, warnings, api="responses")


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


def _move_to_chat(body: dict[str, Any], warnings: list[str]) -> None:
    """Give parameters of the responses API the names of chat completions, where the request insists on these."""
    for name, place in _PLACES["responses"].items():
        outer, inner = place
        given = body.get(outer)
        if isinstance(given, Mapping) and given.get(inner) is not None:
            body.setdefault(_PLACES["chat"][name][0], given[inner])
            rest = {key: value for key, value in given.items() if key != inner}
            body.pop(outer)
            if rest:
                body[outer] = rest
    for name in sorted(OF_RESPONSES_ALONE & body.keys()):
        del body[name]
        warnings.append(f"{name} was dropped: only OpenAI's responses API has it")


def _fit_values(
    body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str], *, api: Api
) -> None:
    _shorten_ids(body, warnings)
    _fit_retention(body, call, rules, warnings)
    places = _PLACES[api]
    if (wanted := _at(body, places["effort"])) is not None and isinstance(wanted, str):
        if takes_effort(call, rules):
            _put(body, places["effort"], fitted_effort(wanted, rules.efforts or (), call.ref, warnings))
        else:
            _put(body, places["effort"], None)
            warnings.append(f"reasoning_effort was dropped: {call.ref} does not reason")
    wanted = _at(body, places["verbosity"])
    if wanted is not None and rules.verbosities is not None and wanted not in rules.verbosities:
        _put(body, places["verbosity"], None)
        warnings.append(
            f"verbosity {wanted!r} was dropped: {call.ref} has {', '.join(rules.verbosities)} alone"
        )


def _shorten_ids(body: dict[str, Any], warnings: list[str]) -> None:
    """Replace ids that are too long by a digest: what they are good for is to be the same for the same thing."""
    for name in _IDS:
        value = body.get(name)
        if isinstance(value, str) and len(value) > _LONGEST_ID:
            body[name] = hashlib.blake2b(
                value.encode(errors="replace"), digest_size=_LONGEST_ID // 2
            ).hexdigest()
            warnings.append(f"{name} was sent as a digest: OpenAI takes {_LONGEST_ID} characters at most")


def _fit_retention(body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]) -> None:
    """https://developers.openai.com/api/docs/guides/prompt-caching"""
    wanted = body.get("prompt_cache_retention")
    if (
        wanted == "in-memory"
    ):  # as the vendor's types had it: https://github.com/openai/openai-openapi/issues/508
        wanted = body["prompt_cache_retention"] = "in_memory"
    if wanted is not None and rules.retentions is not None and wanted not in rules.retentions:
        del body["prompt_cache_retention"]
        warnings.append(f"prompt_cache_retention {wanted!r} was dropped: {call.ref} does not take it")


def _at(body: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    found: Any = body
    for name in place:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _put(body: dict[str, Any], place: tuple[str, ...], value: str | None) -> None:
    """Put a value where it stands; ``None`` takes it out, with what is empty around it."""
    outer, *inner = place
    if not inner:
        if value is None:
            del body[outer]
        else:
            body[outer] = value
        return
    kept = {name: each for name, each in body[outer].items() if name != inner[0]}
    if value is not None:
        kept[inner[0]] = value
    if kept:
        body[outer] = kept
    else:
        del body[outer]
