"""Properties of Anthropic's models, derived from their names.

https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting (thinking by model)
https://platform.claude.com/docs/en/build-with-claude/effort (levels by model)
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from llmring_providers._fit.models import rules_of
from llmring_providers._fit.names import NameRule

ThinkingOff = Literal["unasked", "disabled", "between_tools", "never"]

NAMES = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
"""Of functions: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"""


class ModelTraits(NamedTuple):
    """Features and parameters of a model.

    Attributes:
        thinks: it can think; ``None`` where the name does not tell.
        budget: it takes ``thinking.budget_tokens``.
        efforts: the levels of ``output_config.effort`` that steer its adaptive thinking, lowest first; empty where
            it has none.
        hides_thinking: it leaves the text of its thinking out unless asked for it.
        thinking_off: how thinking is turned off: ``unasked`` thinks only on request, ``never`` always thinks.
        sampling: it takes ``temperature``, ``top_p`` and ``top_k``.
        json_schema: it takes ``output_config.format``.
        system_turns: it takes system messages among the turns.
        forced_tools: a choice of tools may force a call.
        prefill: it continues an answer that the conversation has begun.
        output_efforts: the levels of ``output_config.effort`` of a model without adaptive thinking.
        either_sampler: it takes ``temperature`` or ``top_p``, not both.
    """

    thinks: bool | None
    budget: bool
    efforts: Sequence[str]
    hides_thinking: bool
    thinking_off: ThinkingOff
    sampling: bool
    json_schema: bool
    system_turns: bool
    forced_tools: bool = True
    prefill: bool = True
    either_sampler: bool = False
    output_efforts: Sequence[str] = ()


_UNKNOWN = ModelTraits(
    thinks=None,
    budget=True,
    efforts=(),
    hides_thinking=False,
    thinking_off="unasked",
    sampling=True,
    json_schema=True,
    system_turns=False,
)
"""Other hosts' models: they know the older form of everything."""


@lru_cache(maxsize=256)
def traits_of(model: str) -> ModelTraits:
    """Read a model's name; one that does not look like Claude's takes what other hosts of the protocol take."""
    rules = rules_of("anthropic", model)
    if rules.reasons is None:
        return _UNKNOWN
    return ModelTraits(
        thinks=rules.reasons,
        budget=bool(rules.budget),
        efforts=rules.efforts or (),
        hides_thinking=bool(rules.hides_thinking),
        thinking_off=rules.thinking_off or "unasked",
        sampling=rules.sampling != "never",
        json_schema=rules.answers == "json_schema",
        system_turns=bool(rules.system_turns),
        forced_tools=rules.forced_tools is not False,
        prefill=rules.prefill is not False,
        either_sampler=rules.either_sampler is True,
        output_efforts=rules.output_efforts or (),
    )
