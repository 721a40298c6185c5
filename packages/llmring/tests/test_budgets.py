"""Budgets: what is refused before it is sent, and what is counted afterwards."""

import asyncio
import gc
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import BudgetExceededError, BudgetState, LLMRequest, LLMRing, Message, Policy, RetryPolicy
from llmring.exceptions import ConfigurationError, ProviderOverloadedError, ProviderTimeoutError
from llmring_lockfile import Constraints

# gpt-4o-mini: $0.15 and $0.60 per million tokens. 400 characters are 104 tokens with what a message costs by itself.
TEXT = "x" * 400
INPUT, OUTPUT = Decimal("0.15") / 1_000_000, Decimal("0.60") / 1_000_000
HELLO = b'data: {"choices": [{"delta": {"content": "' + b"y" * 400 + b'"}}]}\n\n'


def ask(model: str = "openai:gpt-4o-mini", **fields: Any) -> LLMRequest:
    return LLMRequest(messages=[Message(role="user", content=TEXT)], model=model, **fields)


def answer(prompt: int = 1000, completion: int = 100) -> Answer:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
    return Answer(msgspec.json.encode(body))


def ring_on(url: str, budget: Decimal | float | None = None) -> LLMRing:
    ring = LLMRing(policy=Policy(retry=RetryPolicy(attempts=1), breaker=None, budget_usd=budget))
    ring.register_provider("openai", api_key="k", base_url=url)
    return ring


async def test_what_calls_cost_is_counted_exactly(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server.url, 0.1) as ring:
        for _ in range(3):
            await ring.chat(ask())
        (state,) = ring.budgets
    assert state == BudgetState(scope="ring", limit=Decimal("0.1"), spent=3 * (1000 * INPUT + 100 * OUTPUT))
    assert state.left == Decimal("0.1") - state.spent


async def test_the_call_that_would_break_the_budget_is_not_sent(server: Server) -> None:
    server.answers = [answer()]
    budget = 1000 * INPUT + 100 * OUTPUT + 104 * INPUT + 10 * OUTPUT
    async with ring_on(server.url, budget) as ring:
        await ring.chat(ask())
        with pytest.raises(BudgetExceededError, match="budget of the ring") as caught:
            await ring.chat(ask(max_tokens=11))
        await ring.chat(ask(max_tokens=10))
    error = caught.value
    assert len(server.asked) == 2
    assert "nothing was sent" in str(error)
    assert (error.model, error.cost_status) == ("openai:gpt-4o-mini", "budget_exceeded")
    assert error.details["scope"] == "ring"
    assert error.details["limit_usd"] == budget
    assert error.details["estimated_usd"] == 104 * INPUT + 11 * OUTPUT
    assert [(attempt.outcome, attempt.billed) for attempt in error.attempts] == [("skipped", False)]


async def test_a_stream_is_refused_and_counted_like_any_call(server: Server) -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 5}}\n\n'
    stop = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    server.answers = [Answer(HELLO + stop + usage + b"data: [DONE]\n\n")]
    async with ring_on(server.url, 105 * INPUT + 5 * OUTPUT) as ring:
        async for _ in ring.chat_stream(ask()):
            pass
        assert ring.budgets[0].spent == 50 * INPUT + 5 * OUTPUT
        with pytest.raises(BudgetExceededError):
            await anext(ring.chat_stream(ask()))


async def test_reasoning_tokens_are_set_aside_as_well(server: Server) -> None:
    async with ring_on(server.url, 104 * INPUT + 30 * OUTPUT) as ring:
        with pytest.raises(BudgetExceededError):
            await ring.chat(ask(max_tokens=10, reasoning_tokens=21))


async def test_calls_under_way_are_set_aside(server: Server) -> None:
    one = 104 * INPUT + 100 * OUTPUT
    async with Stalling(None) as silent, ring_on(silent.url, 2 * one) as ring:
        calls = [asyncio.create_task(ring.chat(ask(max_tokens=100))) for _ in range(3)]
        done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert [type(task.exception()) for task in done] == [BudgetExceededError]
        assert ring.budgets[0].reserved == 2 * one
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        (state,) = ring.budgets
    assert (state.reserved, state.spent) == (
        Decimal(0),
        2 * 104 * INPUT,
    )  # they may be billed for their input


async def test_an_aborted_stream_is_counted_by_estimate() -> None:
    async with Stalling(HELLO) as stalling, ring_on(stalling.url, 1) as ring:
        async for _ in ring.chat_stream(ask()):
            break
        gc.collect()
        assert ring.budgets[0].spent == 104 * INPUT + 100 * OUTPUT


async def test_an_answer_without_usage_is_counted_by_estimate(server: Server) -> None:
    body = {"choices": [{"message": {"content": "y" * 400}, "finish_reason": "stop"}]}
    server.answers = [Answer(msgspec.json.encode(body))]
    async with ring_on(server.url, 1) as ring:
        response = await ring.chat(ask())
        assert ring.budgets[0].spent == 104 * INPUT + 100 * OUTPUT
    assert (response.usage, response.warnings) == (None, [])


async def test_failed_attempts_count_where_they_may_be_billed(server: Server) -> None:
    server.answers = [Answer(b"{}", 503)]
    async with Stalling(None) as silent, ring_on(server.url, 1) as ring:
        with pytest.raises(ProviderOverloadedError):
            await ring.chat(ask())
        assert ring.budgets[0].spent == 0
        ring.register_provider("openai", api_key="k", base_url=silent.url)
        with pytest.raises(ProviderTimeoutError):
            await ring.chat(ask(timeout=0.01))
        assert ring.budgets[0].spent == 104 * INPUT


async def test_an_alias_has_a_budget_of_its_own(server: Server, lockfile: Path) -> None:
    limited = Constraints(budget_usd=Decimal("0.0003"))
    llmring_lockfile.bind(lockfile, "cheap", "openai:gpt-4o-mini", constraints=limited)
    llmring_lockfile.bind(lockfile, "free", "openai:gpt-4o-mini")
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        before = ring.budgets
        await ring.chat(ask("cheap"))
        with pytest.raises(BudgetExceededError, match="budget of alias 'cheap'"):
            await ring.chat(ask("cheap", max_tokens=200))
        await ring.chat(ask("free", max_tokens=200))
        await ring.chat(ask(max_tokens=200))
        state = ring.budgets[0]
    assert not before
    assert (state.scope, state.alias, state.profile, state.limit) == (
        "alias",
        "cheap",
        "default",
        Decimal("0.0003"),
    )
    assert state.spent == 1000 * INPUT + 100 * OUTPUT


async def test_the_budgets_of_ring_and_alias_hold_together(server: Server, lockfile: Path) -> None:
    limited = Constraints(budget_usd=Decimal(1))
    llmring_lockfile.bind(lockfile, "cheap", "openai:gpt-4o-mini", constraints=limited)
    server.answers = [answer()]
    async with ring_on(server.url, 0.0003) as ring:
        await ring.chat(ask("cheap"))
        with pytest.raises(BudgetExceededError, match="budget of the ring"):
            await ring.chat(ask("cheap", max_tokens=200))
        assert [state.spent for state in ring.budgets] == [1000 * INPUT + 100 * OUTPUT] * 2


async def test_a_call_that_is_too_dear_for_one_member_goes_to_a_cheaper_one(
    server: Server, lockfile: Path
) -> None:
    limited = Constraints(max_cost_usd=104 * INPUT + 100 * OUTPUT)
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-4o,openai:gpt-4o-mini", constraints=limited)
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        response = await ring.chat(ask("pool", max_tokens=100))
        with pytest.raises(BudgetExceededError, match="per call"):
            await ring.chat(ask("pool", max_tokens=101))
    assert response.model == "openai:gpt-4o-mini"
    assert [attempt.outcome for attempt in response.attempts] == ["skipped", "ok"]
    assert len(server.asked) == 1


async def test_a_call_whose_cost_is_not_known_passes_and_says_so(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server.url, 0.01) as ring:
        response = await ring.chat(ask("openai:gpt-unheard-of"))
        assert ring.budgets[0].spent == 0
    assert response.warnings == [
        "the budget does not count this call: its price is not known (model_not_in_registry)"
    ]


async def test_what_costs_nothing_passes_when_nothing_is_left(server: Server) -> None:
    server.answers = [answer(10_000, 10_000)]
    async with ring_on(server.url, 0.001) as ring:
        await ring.chat(ask())
        assert ring.budgets[0].left == 0
        assert (await ring.chat(ask("sim:demo"))).content


async def test_a_request_that_is_malformed_sets_nothing_aside(server: Server) -> None:
    async with ring_on(server.url, 1) as ring:
        with pytest.raises(ValueError, match="response_format"):
            await ring.chat(ask(response_format={"type": "json_schema"}))
        assert ring.budgets[0].reserved == 0


@pytest.mark.parametrize("budget", [0, -1, float("inf"), float("nan")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(ConfigurationError, match="budget_usd"):
        Policy(budget_usd=budget)
