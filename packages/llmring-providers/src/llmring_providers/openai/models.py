"""Parameters of OpenAI's models, and the ones that a call needs.

The rules are those of OpenAI itself. Another host may serve a model of the same name otherwise: there only holds what
the line of models has in common, and the rest is sent as it was asked for.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from llmring_types import function_spec

from llmring_providers._fit.media import family_of
from llmring_providers._fit.models import ModelRules, nearest_effort, rules_of
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.parameters import OF_RESPONSES_ALONE
from llmring_providers._protocol import ChatCall

NAMES = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
"""Of functions: https://platform.openai.com/docs/api-reference/chat/create#chat_create-tools"""

_OWN_MODEL = re.compile(r"(?:ft:)?(?:gpt-\d|o\d(?![a-z0-9])|chatgpt-|codex-)")
_CHAT_ALONE = re.compile(r"-audio|-search-")
"""Models that chat completions alone serve: https://developers.openai.com/api/docs/models/gpt-audio"""
_LOOPBACK = ("127.", "localhost", "[::1]")
_OWN_HOST = re.compile(
    r"(?:[\w-]+\.)?api\.openai\.com|.*\.(?:openai|services\.ai|cognitiveservices)\.azure\.com|(?:127\..*|localhost|\[::1\])(?::\d+)?"
)


def is_own_host(call: ChatCall) -> bool:
    """Return whether the call goes to OpenAI itself, or to Azure, which serves the same models by the same rules.

    A loopback address counts too: with one of OpenAI's models it is a proxy, a recorder or a simulator in its place.
    """
    return _is_own(call.host)


@lru_cache(64)
def _is_own(host: str | None) -> bool:
    return host is None or _OWN_HOST.fullmatch(host) is not None


def is_own_model(call: ChatCall) -> bool:
    """Return whether the name is one of OpenAI's own, without the prefix of another host."""
    return _is_own_name(call.ref.model)


@lru_cache(512)
def _is_own_name(model: str) -> bool:
    return _OWN_MODEL.match(model) is not None


def is_real_openai(call: ChatCall) -> bool:
    """Return whether OpenAI or Azure answer, not something in their place, and have all that they have."""
    return call.host is not None and _is_real(call.host, call.ref.model)


@lru_cache(512)
def _is_real(host: str, model: str) -> bool:
    return _is_own(host) and not host.startswith(_LOOPBACK) and _is_own_name(model)


def rules_for(call: ChatCall, endpoint: str | None = None) -> ModelRules:
    """Return what the model takes; a name with a slash is another host's (``openai/o1-pro``)."""
    return _rules(call.ref.model, endpoint, call.host)


@lru_cache(512)
def _rules(model: str, endpoint: str | None, host: str | None) -> ModelRules:
    rules = rules_of("openai", model.rpartition("/")[2].removeprefix("ft:"), endpoint)
    if _is_own(host) and "/" not in model:
        return rules
    return ModelRules(
        family=rules.family,
        reasons=rules.reasons,
        reserves=rules.reserves,
        reasoning_items=rules.reasoning_items,
        reasoning_back=rules.reasoning_back,
        media_in=rules.media_in,
    )


def takes_effort(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether the model takes an effort for its reasoning: all but those that are known not to reason.

    Newer models of the families reason only on request, so a registry may well say that they do not.
    """
    if rules.efforts is not None:
        return bool(rules.efforts)
    facts = call.facts
    return facts is None or facts.reasoning is not False or bool(rules.family)


def spends_on_reasoning(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether the answer to this call may cost tokens for reasoning."""
    effort, facts = call.request.reasoning_effort, call.facts
    if effort is not None and takes_effort(call, rules):
        return nearest_effort(effort, rules.efforts or ()) != "none"
    # Of 121 recorded calls without an effort, 116 cost no reasoning and 5 about twenty tokens.
    if rules.reserves == "when_asked" and not (facts and facts.min_reasoning_tokens):
        return False
    if facts is not None and facts.reasoning is not None:
        return facts.reasoning
    return _can_reason(rules)


def takes_sampling(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether the model takes temperature and the like at this call."""
    if rules.sampling == "without_reasoning":
        return not _reasons(call, rules)
    return rules.sampling != "never"


def encrypts_reasoning(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether the model may be asked for its reasoning in encrypted form; models that never reason refuse it."""
    if rules.reasoning_items is not None:
        return rules.reasoning_items
    return call.facts is not None and call.facts.reasoning is True


def needs_responses(call: ChatCall) -> bool:
    """Return whether OpenAI serves the call through the responses API alone."""
    facts, rules = call.facts, rules_for(call)
    if facts is not None and facts.api == "responses":
        return True
    request = call.request
    if (request.tools or request.extra_params.get("tools")) and _refuses_functions(call, rules):
        return True
    if is_real_openai(call) and (_has_media_for_responses(call) or _has_tools_for_responses(call)):
        return True
    if request.extra_params and _has_parameters_for_responses(call):
        return True
    if facts is not None and facts.api is not None:
        return False
    return rules.api == "responses"


def _refuses_functions(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether chat completions refuse the functions.

    https://github.com/openai/openai-openapi/issues/541 has the refusal: "Please use /v1/responses instead".
    """
    if rules.functions_on_chat == "without_reasoning":
        return _reasons(call, rules)
    return rules.functions_on_chat == "never"


def _reasons(call: ChatCall, rules: ModelRules) -> bool:
    """Return whether the model reasons at this call, as far as its name tells."""
    request = call.request
    effort = request.reasoning_effort or request.extra_params.get("reasoning_effort") or rules.unasked
    return effort is None or nearest_effort(str(effort), rules.efforts or ()) != "none"


def _has_media_for_responses(call: ChatCall) -> bool:
    """Return whether there is media that the responses API takes and chat completions refuse.

    Those are media in the results of tools and in instructions, files other than PDF, and files by their address:
    https://developers.openai.com/api/docs/guides/file-inputs
    """
    return any(
        part["type"] not in ("text", "refusal")
        if message.role in ("tool", "system")
        else _is_other_file(part)
        for message in call.request.messages
        if isinstance(message.content, list)
        for part in message.content
    )


def _has_tools_for_responses(call: ChatCall) -> bool:
    """Return whether there are tools of OpenAI's own: "You can provide either custom tools or function tools" to chat.

    https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools
    """
    return any(
        tool.get("type") != "custom" and function_spec(tool) is None for tool in call.request.tools or ()
    )


def _has_parameters_for_responses(call: ChatCall) -> bool:
    """Return whether there are parameters that only the responses API has: chat completions answer 400 to each.

    https://platform.openai.com/docs/api-reference/responses/create
    """
    extra = call.request.extra_params
    if not is_own_host(call) or not is_own_model(call) or _CHAT_ALONE.search(call.ref.model):
        return False
    return any(extra.get(name) is not None for name in OF_RESPONSES_ALONE)


def _is_other_file(part: Mapping[str, Any]) -> bool:
    if family_of(part) != "document":
        return False
    source = part.get("source")
    if isinstance(source, Mapping):
        return source.get("type") == "url" or not _in_chat(str(source.get("media_type") or "application/pdf"))
    inner = part.get("file", part)
    data = inner.get("file_data") if isinstance(inner, Mapping) else None
    return isinstance(data, str) and data.startswith("data:") and not _in_chat(data[5:].partition(";")[0])


def _in_chat(media_type: str) -> bool:
    return media_type == "application/pdf" or media_type.startswith(("image/", "audio/", "video/"))


def _can_reason(rules: ModelRules) -> bool:
    return bool(rules.family) and rules.reasons is not False
