"""Policies that cannot be meant."""

from decimal import Decimal
from typing import Any

import pytest
from llmring import BreakerPolicy, LLMRing, Policy, Prices, RetryPolicy
from llmring.exceptions import ConfigurationError

NAN = float("nan")
WRONG: list[tuple[type, dict[str, Any]]] = [
    *((Policy, {name: value}) for name in ("deadline_s", "hedge_after_s") for value in (-1, NAN, "5", True)),
    *((Policy, {name: -0.5}) for name in ("first_chunk_timeout_s", "chunk_timeout_s")),
    *((Policy, {"budget_usd": value}) for value in (0, -1, NAN, "5", True, Decimal("NaN"))),
    (Policy, {"budget_usd": Decimal("Infinity")}),
    *((Policy, {"max_concurrent": {"openai": value}}) for value in (0, 1.5, True)),
    *((RetryPolicy, {"attempts": value}) for value in (0, 1.5)),
    *((RetryPolicy, {name: NAN}) for name in ("base_s", "max_s", "retry_after_cap_s")),
    (BreakerPolicy, {"failures": 0}),
    (BreakerPolicy, {"open_s": -1}),
    *(
        (LLMRing, {"prices": {"openai:*": Prices(input=value)}})
        for value in map(Decimal, ("NaN", "-1", "Infinity"))
    ),
    *((LLMRing, {"timeout": value}) for value in (-1, NAN, float("inf"), "60")),
]


@pytest.mark.parametrize(("kind", "given"), WRONG)
def test_a_value_that_cannot_be_meant_is_refused_by_name(kind: type, given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ConfigurationError, match=rf"{name}.*must be"):
        kind(**given)


def test_no_limit_and_no_time_at_all_are_both_meant() -> None:
    policy = Policy(deadline_s=0, first_chunk_timeout_s=None, retry=RetryPolicy(attempts=1, base_s=0))
    assert (policy.deadline_s, policy.first_chunk_timeout_s, policy.retry.base_s) == (0, None, 0)
    assert LLMRing(timeout=None).default_timeout is None
    assert LLMRing(timeout=0).default_timeout == 0
