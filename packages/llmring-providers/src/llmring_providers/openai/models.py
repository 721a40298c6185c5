"""What OpenAI's models take, and what a call asks of them.

The rules are those of OpenAI itself. Another host may serve a model of the same name otherwise: there only holds what
the line of models has in common, and the rest is sent as it was asked for.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from llmring_providers._models import ModelRules, nearest_effort, rules_of
from llmring_providers._protocol import ChatCall

_OWN_HOSTS = (
    ".api.openai.com",
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
)
_OWN_HOST = "api.openai.com"
_HERE = ("localhost", "127.0.0.1", "::1")
_SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
_MORE_SAMPLING = _SAMPLING | {"presence_penalty", "frequency_penalty", "logit_bias"}
"""Of models that take none at all: https://platform.openai.com/docs/guides/reasoning"""


def is_own(base_url: str) -> bool:
    """Whether OpenAI's rules hold at an address: its own, Azure's, and this machine's, where proxies of it listen."""
    host = urlsplit(base_url).hostname or ""
    return host == _OWN_HOST or host.endswith(_OWN_HOSTS) or host in _HERE


@lru_cache(512)
def rules_for(model: str, *, own: bool = True) -> ModelRules:
    """Return what a model takes; a name with a slash is another host's (``openai/o1-pro``)."""
    bare = model.rpartition("/")[2].removeprefix("ft:")
    rules = rules_of("openai", bare)
    if own and "/" not in model:
        return rules
    return ModelRules(family=rules.family, reasons=rules.reasons, reserves=rules.reserves)


def takes_effort(call: ChatCall, rules: ModelRules) -> bool:
    """Whether the model may be told how much to reason: all but those that are known not to reason.

    Newer models of the families reason only when told to, so a registry may well say that they do not.
    """
    if rules.efforts is not None:
        return bool(rules.efforts)
    facts = call.facts
    return facts is None or facts.reasoning is not False or bool(rules.family)


def spends_on_reasoning(call: ChatCall, rules: ModelRules) -> bool:
    """Whether the answer to this call may cost tokens for reasoning."""
    effort, facts = call.request.reasoning_effort, call.facts
    if effort is not None and takes_effort(call, rules):
        return nearest_effort(effort, rules.efforts or ()) != "none"
    # Of 121 recorded calls without an effort, 116 cost no reasoning and 5 about twenty tokens.
    if rules.reserves == "when_asked" and not (facts and facts.min_reasoning_tokens):
        return False
    if facts is not None and facts.reasoning is not None:
        return facts.reasoning
    return _can_reason(rules)


def _reasons(call: ChatCall, rules: ModelRules) -> bool:
    """Whether the model reasons at this call, as far as its name tells."""
    effort = call.request.reasoning_effort or rules.unasked
    return effort is None or nearest_effort(effort, rules.efforts or ()) != "none"


def takes_sampling(call: ChatCall, rules: ModelRules) -> bool:
    """Whether the model takes temperature and the like at this call."""
    if rules.sampling == "without_reasoning":
        return not _reasons(call, rules)
    return rules.sampling != "never"


def fitting_extra(
    extra: Mapping[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]
) -> Mapping[str, Any]:
    """Leave out, with a warning, extra parameters that the model refuses."""
    if takes_sampling(call, rules):
        return extra
    refused = _MORE_SAMPLING if rules.sampling == "never" else _SAMPLING
    found: Iterable[str] = sorted(name for name in extra if name in refused)
    when = "" if rules.sampling == "never" else " while it reasons"
    warnings.extend(f"{name} was dropped: {call.ref} does not take it{when}" for name in found)
    return {name: value for name, value in extra.items() if name not in refused}


def encrypts_reasoning(call: ChatCall, rules: ModelRules) -> bool:
    """Whether the model may be asked for its reasoning in encrypted form; models that never reason refuse it."""
    facts = call.facts
    return _can_reason(rules) or (facts is not None and facts.reasoning is True and not rules.family)


def needs_responses(call: ChatCall, rules: ModelRules) -> bool:
    """Whether OpenAI answers the call through the responses API alone."""
    refuses = rules.functions_on_chat
    if call.request.tools and (
        refuses == "never" or (refuses == "without_reasoning" and _reasons(call, rules))
    ):
        return True
    facts = call.facts
    if facts is not None and facts.api is not None:
        return facts.api == "responses"
    return rules.api == "responses"


def _can_reason(rules: ModelRules) -> bool:
    return bool(rules.family) and rules.reasons is not False
