"""What a model's name tells of the requests that it takes.

https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting (thinking by model)
https://platform.claude.com/docs/en/build-with-claude/effort (levels by model)
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from llmring_providers._names import NameRule

ThinkingOff = Literal["unasked", "disabled", "between_tools", "never"]

NAMES = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
"""Of functions: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"""

_NAME = re.compile(r"claude-(?:([a-z]+)-)?(\d+)(?:[-.](\d{1,2})(?!\d))?(?:-([a-z]+))?")
"""``claude-opus-4-8``, ``claude-3-7-sonnet-20250219``, ``us.anthropic.claude-sonnet-4-5-20250929-v1:0``."""

_EFFORTS = ("low", "medium", "high", "max")
_EFFORTS_SINCE_4_7 = ("low", "medium", "high", "xhigh", "max")
_ALWAYS_THINKING = ("fable", "mythos")


class ModelTraits(NamedTuple):
    """What a model takes.

    Attributes:
        thinks: it can think; ``None`` where the name does not tell.
        budget: it takes ``thinking.budget_tokens``.
        efforts: the levels of ``output_config.effort`` that steer its adaptive thinking, lowest first; empty where
            it has none.
        hides_thinking: it leaves the text of its thinking out unless asked for it.
        thinking_off: how it is told not to think: ``unasked`` needs no telling, ``never`` cannot be told.
        sampling: it takes ``temperature``, ``top_p`` and ``top_k``.
        json_schema: it takes ``output_config.format``.
        system_turns: it takes system messages among the turns.
    """

    thinks: bool | None
    budget: bool
    efforts: Sequence[str]
    hides_thinking: bool
    thinking_off: ThinkingOff
    sampling: bool
    json_schema: bool
    system_turns: bool


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
    found = _NAME.search(model)
    if found is None:
        return _UNKNOWN
    family = found[1] or found[4] or ""
    version = (int(found[2]), int(found[3] or 0))
    efforts: Sequence[str] = ()
    if version >= (4, 6):
        efforts = _EFFORTS_SINCE_4_7 if version >= (4, 7) else _EFFORTS
    return ModelTraits(
        thinks=version >= (3, 7),
        budget=version < (4, 7),
        efforts=efforts,
        hides_thinking=version >= (4, 7),
        thinking_off=_thinking_off(family, version),
        sampling=version < (4, 7),
        json_schema=version >= (4, 5) or (family, version) == ("opus", (4, 1)),
        system_turns=version >= (4, 8) and (family, version) != ("sonnet", (5, 0)),
    )


def _thinking_off(family: str, version: tuple[int, int]) -> ThinkingOff:
    if version < (5, 0):
        return "unasked"
    if family in _ALWAYS_THINKING or (family == "opus" and version >= (5, 5)):
        return "never"
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"
