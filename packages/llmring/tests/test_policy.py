"""Policies that cannot be meant."""

from decimal import Decimal
from typing import Any

import pytest
from llmring import (
    BreakerPolicy,
    CachePolicy,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Pace,
    Policy,
    Prices,
    RetryPolicy,
)
from llmring.exceptions import ConfigurationError
from llmring.testing import FakeProvider

NAN = float("nan")
ODD: tuple[Any, ...] = (-0.5, "1", True, NAN)
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
    *((LLMRing, {"prices": {"openai:*": Prices(input=value)}}) for value in ODD),
    *((LLMRing, {"max_response_bytes": value}) for value in (0, -1, 1.5, "x", True)),
    (LLMRing, {"policy": {}}),
    (LLMRing, {"policy": 5}),
    *((Policy, {name: 5}) for name in ("retry", "breaker", "max_concurrent")),
    *((LLMRing, {"timeout": value}) for value in (-1, NAN, float("inf"), "60")),
]


@pytest.mark.parametrize(("kind", "given"), WRONG)
def test_a_value_that_cannot_be_meant_is_refused_by_name(kind: type, given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(ConfigurationError, match=rf"{name}.*must be"):
        kind(**given)


@pytest.mark.parametrize(
    ("kind", "option", "mend"),
    [
        (Policy, "retrys", r"Policy has no option 'retrys'; did you mean retry\?"),
        (Policy, "budget", r"did you mean budget_usd\?"),
        (Policy, "xyz", "its options are retry, breaker, "),
        (RetryPolicy, "attempt", r"RetryPolicy has no option 'attempt'; did you mean attempts\?"),
        (BreakerPolicy, "failure", r"did you mean failures\?"),
        (CachePolicy, "ttl", r"did you mean ttl_s\?"),
        (Pace, "requests_per_second", r"did you mean requests_per_minute\?"),
    ],
)
def test_an_option_that_there_is_not_is_refused_with_the_one_that_was_meant(
    kind: type, option: str, mend: str
) -> None:
    with pytest.raises(ConfigurationError, match=mend):
        kind(**{option: 1})


async def test_prices_may_be_floats_as_in_a_lockfile() -> None:
    prices = {"fake:x": Prices(input=0.25, output=2)}  # type: ignore[arg-type]
    answer = LLMResponse(
        content="Hi", model="fake:x", usage={"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
    )
    async with LLMRing(prices=prices, policy=Policy(budget_usd=100)) as ring:
        ring.register_provider("fake", FakeProvider(answer))
        response = await ring.chat(LLMRequest([Message.user("Hi")], model="fake:x", max_tokens=1_000_000))
    assert response.usage is not None
    assert response.usage["cost"] == 2.25


def test_no_limit_and_no_time_at_all_are_both_meant() -> None:
    policy = Policy(deadline_s=0, first_chunk_timeout_s=None, retry=RetryPolicy(attempts=1, base_s=0))
    assert (policy.deadline_s, policy.first_chunk_timeout_s, policy.retry.base_s) == (0, None, 0)
    assert LLMRing(timeout=None).default_timeout is None
    assert LLMRing(timeout=0).default_timeout == 0
