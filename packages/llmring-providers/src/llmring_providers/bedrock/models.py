"""Properties of the models on Bedrock, by their ids: those of base models, of inference profiles, and ARNs of either.

The id of an application's own profile or deployment names no model, so such a one takes what is asked of it.
"""

import re
from functools import lru_cache

from llmring_providers._fit.models import ModelRules, rules_of
from llmring_providers._fit.names import NINE_LETTERS, NameRule
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.models import ModelTraits, traits_of

NAMES = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
"""Of functions: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html"""
IDS = NameRule(taken=re.compile(r"[a-zA-Z0-9_.:-]{1,64}"), refused=re.compile(r"[^a-zA-Z0-9_.:-]"))
"""Of calls: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html"""


def rules_for(call: ChatCall) -> ModelRules:
    """Return what the model of a call takes."""
    return rules_of("bedrock", call.ref.model)


def ids_for(call: ChatCall) -> NameRule:
    """Return the form of the ids of calls.

    Bedrock cuts them for Mistral's models to nine letters and digits, so that two may become the same.
    """
    return NINE_LETTERS if rules_for(call).call_ids == "nine" else IDS


@lru_cache(maxsize=256)
def claude_of(model: str) -> ModelTraits | None:
    """Return what a model of Anthropic's takes; ``None`` for those of others.

    Bedrock hands the parameters of its own on to it, and what Anthropic refuses is refused here too.
    """
    return traits_of(model) if "claude-" in model.lower() else None
