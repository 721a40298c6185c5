"""Parameters that mean the same in both of OpenAI's APIs, structured output among them.

https://platform.openai.com/docs/guides/structured-outputs
"""

import re
from collections.abc import Mapping
from typing import Any

from llmring_types.hosts import Quirks

from llmring_providers._fit.formats import in_dialect, schema_in_words, wanted_schema
from llmring_providers._fit.models import ModelRules, fitted_effort
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.models import spends_on_reasoning, takes_effort, takes_sampling
from llmring_providers.schema import OPENAI, OPENAI_STRICT

_REASONING_RESERVE = 2000
"""Tokens added to ``max_tokens`` where neither the request nor the registry says how much reasoning needs."""
_CACHE = {"key": "prompt_cache_key", "retention": "prompt_cache_retention"}
_WISH = "Answer with a JSON object."
_NOT_IN_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64


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
    """Return whether the model takes system messages."""
    return call.facts is None or call.facts.system_message is not False


def system_role(call: ChatCall, warnings: list[str]) -> str:
    """Return the role in which a system message is sent."""
    if takes_system(call):
        return "system"
    warning = f"system messages were sent as user messages: {call.ref} takes none"
    if warning not in warnings:
        warnings.append(warning)
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
    """Warn that cache marks were left out."""
    if any(message.metadata and "cache_control" in message.metadata for message in call.request.messages):
        warnings.append("cache_control has no effect on OpenAI, which caches long prompts by itself")


def answer_format(
    wanted: Mapping[str, Any],
    messages: list[dict[str, Any]],
    call: ChatCall,
    rules: ModelRules,
    warnings: list[str],
) -> dict[str, Any]:
    """Return the format of the answer: its type, and what the type needs.

    A model that is known to have no structured output gets the schema in its system message.
    """
    if wanted.get("type") == "json_object":
        _require_json_word(messages)
    if wanted.get("type") != "json_schema":
        return dict(wanted) if call.quirks is None or _is_taken(wanted, call.quirks) else {"type": "text"}
    schema, form = wanted_schema(wanted), _answers(rules, call)
    if schema is None or form is None or form == "json_schema":
        return {"type": "json_schema", **_json_schema(wanted, call, warnings)}
    warnings.append(f"{call.ref} has no structured output: the schema was sent as part of the system message")
    _add_to_system(messages, schema_in_words(schema, call))
    return {"type": form}


def _answers(rules: ModelRules, call: ChatCall) -> str | None:
    """Return the best form of answers that both the model and its host have; ``None`` for all that OpenAI has."""
    if call.quirks is None or "json_schema" in call.quirks.formats:
        return rules.answers
    if "json_object" in call.quirks.formats and rules.answers != "text":
        return "json_object"
    return "text"


def _is_taken(wanted: Mapping[str, Any], quirks: Quirks) -> bool:
    return wanted.get("type") != "json_object" or "json_object" in quirks.formats


def _json_schema(wanted: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    """Return name, schema and the like of a format, which may stand under ``json_schema`` or beside it.

    OpenAI wants an object at the root: any other schema is put under its only property ``value``, and so is the answer.
    ``strict`` is dropped, with a warning, for a schema that the strict mode refuses.
    """
    inner = wanted.get("json_schema")
    form = dict(inner) if isinstance(inner, Mapping) else {}
    for name in ("schema", "name", "description", "strict"):
        if name in wanted:
            form.setdefault(name, wanted[name])
    form["name"] = _NOT_IN_NAME.sub("_", str(form.get("name") or "response"))[:_LONGEST_NAME]
    if (schema := form.get("schema")) is not None:
        form["schema"] = _written(schema, form, "the answer", call, warnings, answer=True)
    return form


def with_parameters(function: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    """Return a function whose parameters are as OpenAI takes them.

    ``strict`` is dropped, with a warning, for parameters that the strict mode refuses.
    """
    out, parameters = dict(function), function.get("parameters")
    if None in out.values():  # what is null is absent, which OpenAI does not take for the same
        out = {name: value for name, value in out.items() if value is not None}
    if parameters is None and function.get("strict") is True:
        parameters = {}  # a strict function says that it has none
    if parameters is not None:
        out["parameters"] = _written(parameters, out, f"tool {function.get('name')!r}", call, warnings)
    return out


def _written(
    schema: object,
    form: dict[str, Any],
    whose: str,
    call: ChatCall,
    warnings: list[str],
    *,
    answer: bool = False,
) -> Any:
    """Return the schema as JSON, and take ``strict`` from the form around it if it cannot be kept to."""
    if form.get("strict") is True:
        found = in_dialect(schema, OPENAI_STRICT, call, answer=answer)
        if not found.objections:
            return found.json
        warnings.append(
            f"strict was dropped for {whose}: OpenAI takes it only where objects require all their properties and take"
            f" no others ({found.objections[0]})"
        )
        form["strict"] = False
    return in_dialect(schema, OPENAI, call, answer=answer).json


def _require_json_word(messages: list[dict[str, Any]]) -> None:
    """Say "JSON" where no message does: OpenAI refuses JSON mode otherwise.

    https://platform.openai.com/docs/guides/structured-outputs#json-mode
    """
    if not any("json" in str(message.get("content")).lower() for message in messages):
        _add_to_system(messages, _WISH)


def _add_to_system(messages: list[dict[str, Any]], words: str) -> None:
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        messages[0] = {**first, "content": f"{first['content']}\n\n{words}"}
    else:
        messages.insert(0, {"role": "system", "content": words})
