"""The options of a run: which tools, and its limits."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias, TypedDict

from llmring_types import ToolCall
from llmring_types.exceptions import ValidationError

from llmring._policy import check_seconds
from llmring.tools._tool import Tool

AnyTool: TypeAlias = "Tool | Callable[..., Any] | Mapping[str, Any]"
Approve: TypeAlias = Callable[[ToolCall], bool | str | Awaitable[bool | str]]
"""Asked before a call runs, in the order of the calls: ``True`` lets it run, ``False`` or a reason refuses it."""


class RunOptions(TypedDict, total=False):
    """The options of :meth:`LLMRing.run`, which describes them."""

    tools: Iterable[AnyTool]
    profile: str | None
    max_rounds: int
    max_cost_usd: float | Decimal | None
    approve: Approve | None
    tool_timeout_s: float | None


def check_options(options: RunOptions) -> None:
    """Check the options before anything is sent.

    Raises:
        ValidationError: an option has another name, so that a limit would not hold, or a value that it cannot have.
    """
    unknown = options.keys() - RunOptions.__annotations__.keys()
    if unknown:
        known = ", ".join(sorted(RunOptions.__annotations__))
        raise ValidationError(
            f"a run has no option {', '.join(sorted(unknown))}; its options are {known}", field=min(unknown)
        )
    tools: object = options.get("tools", ())
    if not isinstance(tools, Iterable) or isinstance(tools, (str, Mapping)):
        raise ValidationError(f"tools must be a list: tools=[…]; got {tools!r:.80}", field="tools")
    rounds: object = options.get("max_rounds", 1)
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise ValidationError(f"max_rounds must be 1 or more; got {rounds!r:.80}", field="max_rounds")
    most: object = options.get("max_cost_usd", 0)
    if most is not None and not _is_amount(most):
        raise ValidationError(
            f"max_cost_usd must be a number of dollars of 0 or more; got {most!r}", field="max_cost_usd"
        )
    approve: object = options.get("approve")
    if approve is not None and not callable(approve):
        raise ValidationError(
            f"approve must be a function that gets the tool call; got {approve!r:.80}", field="approve"
        )
    check_seconds("tool_timeout_s", options.get("tool_timeout_s"))


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and isfinite(value) and value >= 0
