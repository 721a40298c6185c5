"""Budgets: what is refused before it is sent, and what is counted afterwards."""

import asyncio
import gc
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import (
    BudgetExceededError,
    BudgetState,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Policy,
    Prices,
    RetryPolicy,
    Usage,
)
from llmring._money.estimates import UNKNOWN_OUTPUT_TOKENS
from llmring.exceptions import (
    ConfigurationError,
    CostTrackingError,
    ProviderConnectionError,
    ProviderOverloadedError,
    ProviderTimeoutError,
)
from llmring.testing import HANG, FakeProvider
from llmring_lockfile import Constraints
from llmring_providers import ChatCall, HttpProvider, WireRequest
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_providers.transport.aiohttp import AiohttpTransport

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
    server.answers = [answer(104, 10)]
    budget = 2 * (104 * INPUT + 10 * OUTPUT)
    async with ring_on(server.url, budget) as ring:
        await ring.chat(ask(max_tokens=10))
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


async def test_without_max_tokens_the_longest_answer_of_the_model_is_set_aside(server: Server) -> None:
    server.answers = [answer(104, 10)]
    most = 104 * INPUT + 16_000 * OUTPUT
    async with ring_on(server.url, most) as ring:
        await ring.chat(ask())
        with pytest.raises(BudgetExceededError) as caught:
            await ring.chat(ask())
    assert caught.value.details["estimated_usd"] == most


OVERRIDDEN: list[tuple[dict[str, Any], int]] = [
    ({"extra_params": {"max_tokens": 500}}, 500),
    ({"extra_params": {"max_completion_tokens": 500}}, 500),
    ({"max_tokens": 100, "extra_params": {"n": 3}}, 300),
    ({"max_tokens": 100, "extra_params": {"n": "3"}}, 300),
    ({"max_tokens": 100, "extra_params": {"n": 2.5}}, 300),
    ({"max_tokens": 7, "extra_params": {"max_completion_tokens": "500"}}, 500),
    ({"max_tokens": 7, "extra_params": {"max_completion_tokens": -1}}, 16_000),
    ({"max_tokens": 17, "extra_params": {"api": "responses"}}, 17),
    ({"extra_params": {"api": "responses", "max_output_tokens": 20}}, 20),
]


@pytest.mark.parametrize(("fields", "tokens"), OVERRIDDEN)
async def test_what_is_really_sent_is_set_aside(fields: dict[str, Any], tokens: int) -> None:
    async with LLMRing(policy=Policy(budget_usd=Decimal("0.000000001"))) as ring:
        ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:9")
        with pytest.raises(BudgetExceededError) as caught:
            await ring.chat(ask(**fields))
    assert caught.value.details["estimated_usd"] == 104 * INPUT + tokens * OUTPUT


class Encoding(OpenAIAdapter):
    """An adapter that remembers whether each request that it has encoded was for a stream."""

    def __init__(self) -> None:
        self.encoded: list[bool] = []

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        self.encoded.append(stream)
        return super().encode(call, stream=stream)


async def test_a_budget_has_each_request_encoded_once(server: Server) -> None:
    stop = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    server.answers = [answer(), Answer(HELLO + stop + b"data: [DONE]\n\n")]
    adapter = Encoding()
    async with AiohttpTransport() as transport, LLMRing(policy=Policy(budget_usd=1)) as ring:
        provider = HttpProvider(
            "openai", adapter=adapter, transport=transport, base_url=server.url, api_key="k"
        )
        ring.register_provider("openai", provider)
        await ring.chat(ask())
        async for _ in ring.chat_stream(ask()):
            pass
    assert adapter.encoded == [False, True]


async def test_room_for_reasoning_is_set_aside_as_well(lockfile: Path) -> None:
    gpt_5_output = Decimal(10) / 1_000_000
    limited = Constraints(max_cost_usd=Decimal("0.01"))
    llmring_lockfile.bind(lockfile, "short", "openai:gpt-5", constraints=limited)
    async with ring_on("http://127.0.0.1:9") as ring:
        with pytest.raises(BudgetExceededError, match="per call") as caught:
            await ring.chat(ask("short", max_tokens=3))
    assert caught.value.details["estimated_usd"] > 2003 * gpt_5_output


async def test_a_stream_is_refused_and_counted_like_any_call(server: Server) -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 5}}\n\n'
    stop = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    server.answers = [Answer(HELLO + stop + usage + b"data: [DONE]\n\n")]
    async with ring_on(server.url, 104 * INPUT + 5 * OUTPUT) as ring:
        async for _ in ring.chat_stream(ask(max_tokens=5)):
            pass
        assert ring.budgets[0].spent == 50 * INPUT + 5 * OUTPUT
        with pytest.raises(BudgetExceededError):
            await anext(ring.chat_stream(ask(max_tokens=5)))


async def test_a_call_that_only_others_reservations_keep_out_waits_for_them(server: Server) -> None:
    one = 104 * INPUT + 100 * OUTPUT
    server.answers = [answer(104, 1)]
    async with ring_on(server.url, 30 * (104 * INPUT + OUTPUT) + one) as ring:
        answers = await asyncio.gather(*(ring.chat(ask(max_tokens=100)) for _ in range(30)))
        (state,) = ring.budgets
    assert (state.reserved, state.spent) == (Decimal(0), 30 * (104 * INPUT + OUTPUT))
    assert {trace.outcome for response in answers for trace in response.attempts} == {"ok"}


async def test_what_calls_under_way_turn_out_to_cost_may_refuse_those_that_wait(server: Server) -> None:
    one = 104 * INPUT + 100 * OUTPUT
    server.answers = [answer(104, 100)]
    async with ring_on(server.url, 2 * one) as ring:
        ended = await asyncio.gather(
            *(ring.chat(ask(max_tokens=100)) for _ in range(5)), return_exceptions=True
        )
        assert ring.budgets[0].spent == 2 * one
    assert [type(each).__name__ for each in ended] == ["LLMResponse"] * 2 + ["BudgetExceededError"] * 3
    assert len(server.asked) == 2


async def test_the_deadline_ends_a_wait_for_the_budget() -> None:
    policy = Policy(budget_usd=104 * INPUT + 100 * OUTPUT, deadline_s=0.05)
    async with Stalling(HELLO) as stalling, LLMRing(policy=policy) as ring:
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        async with ring.chat_stream(ask(max_tokens=100)) as stream:
            await anext(stream)
            with pytest.raises(ProviderTimeoutError, match="nothing was sent") as caught:
                await asyncio.ensure_future(ring.chat(ask(max_tokens=100)))
    assert [(one.outcome, one.waited_s >= 0.05) for one in caught.value.attempts] == [("skipped", True)]


async def test_a_task_does_not_wait_for_what_its_own_open_stream_has_set_aside() -> None:
    async with (
        Stalling(HELLO) as stalling,
        ring_on(stalling.url, 104 * INPUT + 100 * OUTPUT) as ring,
        ring.chat_stream(ask(max_tokens=100)) as stream,
    ):
        await anext(stream)
        with pytest.raises(BudgetExceededError, match="this task's own open streams"):
            await ring.chat(ask(max_tokens=100))


async def test_a_cancelled_wait_takes_nothing(server: Server) -> None:
    one = 104 * INPUT + 100 * OUTPUT
    server.answers = [answer(104, 1)]
    async with Stalling(None) as silent, ring_on(silent.url, one) as ring:
        holder = asyncio.create_task(ring.chat(ask(max_tokens=100)))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(ring.chat(ask(max_tokens=100)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert ring.budgets[0].reserved == one
        holder.cancel()
        await asyncio.wait([holder])
        assert ring.budgets[0].reserved == 0


async def test_calls_under_way_are_set_aside() -> None:
    one = 104 * INPUT + 100 * OUTPUT
    async with Stalling(None) as silent, ring_on(silent.url, 2 * one) as ring:
        calls = [asyncio.create_task(ring.chat(ask(max_tokens=100))) for _ in range(3)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert ring.budgets[0].reserved == 2 * one
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        (state,) = ring.budgets
    # They may be billed for their input, and nobody knows for how much output.
    assert (state.reserved, state.spent, state.withheld) == (Decimal(0), 2 * 104 * INPUT, 2 * 100 * OUTPUT)


async def test_a_small_call_does_not_overtake_a_large_one_that_waits() -> None:
    large, small = (104 * INPUT + tokens * OUTPUT for tokens in (100, 10))
    async with Stalling(None) as silent, ring_on(silent.url, large + small) as ring:
        calls = [asyncio.create_task(ring.chat(ask(max_tokens=tokens))) for tokens in (100, 100, 10)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert ring.budgets[0].reserved == large
        for task in reversed(calls):
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_call_that_waits_for_a_place_sets_nothing_aside() -> None:
    one = 104 * INPUT + 100 * OUTPUT
    policy = Policy(budget_usd=1, max_concurrent={"openai": 1})
    async with Stalling(None) as silent, LLMRing(policy=policy) as ring:
        ring.register_provider("openai", api_key="k", base_url=silent.url)
        calls = [asyncio.create_task(ring.chat(ask(max_tokens=100))) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert ring.budgets[0].reserved == one
        for task in reversed(calls):
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_call_that_the_budget_refuses_gives_its_place_back(server: Server) -> None:
    server.answers = [answer(104, 10)]
    policy = Policy(budget_usd=104 * INPUT + 10 * OUTPUT, max_concurrent={"openai": 1}, deadline_s=5)
    async with LLMRing(policy=policy) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        with pytest.raises(BudgetExceededError):
            await ring.chat(ask(max_tokens=11))
        assert (await ring.chat(ask(max_tokens=10))).content == "Hi"


async def test_an_aborted_stream_is_counted_by_estimate_and_the_rest_stays_out_of_reach() -> None:
    async with Stalling(HELLO) as stalling, ring_on(stalling.url, 1) as ring:
        async for _ in ring.chat_stream(ask(max_tokens=300)):
            break
        gc.collect()
        (state,) = ring.budgets
    assert (state.spent, state.withheld) == (104 * INPUT + 100 * OUTPUT, 200 * OUTPUT)
    assert state.left == 1 - 104 * INPUT - 300 * OUTPUT


async def test_an_answer_without_usage_is_counted_by_estimate_and_the_worst_case_stays_set_aside(
    server: Server,
) -> None:
    body = {"choices": [{"message": {"content": "y" * 400}, "finish_reason": "stop"}]}
    server.answers = [Answer(msgspec.json.encode(body))]
    async with ring_on(server.url, 1) as ring:
        response = await ring.chat(ask(max_tokens=500))
        (state,) = ring.budgets
    assert (state.spent, state.withheld) == (104 * INPUT + 100 * OUTPUT, 400 * OUTPUT)
    assert response.usage is None
    assert response.warnings == [
        "the provider did not say what this call used: the budget counts an estimate and keeps the worst case"
    ]


async def test_failed_attempts_count_where_they_may_be_billed(server: Server) -> None:
    server.answers = [Answer(b"{}", 503)]
    async with Stalling(None) as silent, ring_on(server.url, 1) as ring:
        with pytest.raises(ProviderOverloadedError):
            await ring.chat(ask())
        ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:9")  # nobody listens
        with pytest.raises(ProviderConnectionError):
            await ring.chat(ask())
        assert ring.budgets[0].left == 1
        ring.register_provider("openai", api_key="k", base_url=silent.url)
        with pytest.raises(ProviderTimeoutError):
            await ring.chat(ask(timeout=0.01, max_tokens=10))
        (state,) = ring.budgets
    assert (state.spent, state.withheld) == (104 * INPUT, 10 * OUTPUT)


LIES: list[tuple[object, object]] = [
    (-1_000_000, -1_000_000),
    (-5, 3),
    (10**12, 3),
    (2**70, 3),
    (50, 10**30),
    (50, -1),
    ("many", 3),
    (50, True),
    (50, 1_000),
]


@pytest.mark.parametrize(("prompt", "completion"), LIES)
@pytest.mark.parametrize("stream", [False, True])
async def test_counts_that_cannot_be_give_no_money_back(
    server: Server, prompt: Any, completion: Any, stream: bool
) -> None:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
    event = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
    events = b"data: " + json.dumps(event).encode() + b"\n\ndata: [DONE]\n\n"
    server.answers = [Answer(events if stream else json.dumps(body).encode())]
    most = 104 * INPUT + 10 * OUTPUT
    async with ring_on(server.url, 3 * most) as ring:
        for call in range(1, 4):
            ended = await ended_call(ring, stream=stream)
            state = ring.budgets[0]
            assert state.spent + state.withheld == call * most
        with pytest.raises(BudgetExceededError):
            await ended_call(ring, stream=stream)
    assert ended.warnings


async def ended_call(ring: LLMRing, *, stream: bool) -> LLMResponse:
    if not stream:
        return await ring.chat(ask(max_tokens=10))
    chunks = ring.chat_stream(ask(max_tokens=10))
    async for _ in chunks:
        pass
    assert chunks.response is not None
    return chunks.response


async def test_a_host_that_counts_more_input_than_was_estimated_has_more_set_aside_next_time(
    server: Server,
) -> None:
    server.answers = [answer(1104, 10)]
    async with ring_on(server.url, 1) as ring:
        await ring.chat(ask(max_tokens=10))
        assert ring.budgets[0].spent == 1104 * INPUT + 10 * OUTPUT
        async with Stalling(None) as silent:
            ring.register_provider("openai", api_key="k", base_url=silent.url)
            call = asyncio.create_task(ring.chat(ask(max_tokens=10)))
            await asyncio.sleep(0)
            assert ring.budgets[0].reserved == 1104 * INPUT + 10 * OUTPUT
            call.cancel()
            await asyncio.wait([call])


async def test_what_a_host_counts_beyond_the_limit_is_told_apart(server: Server) -> None:
    server.answers = [answer(1104, 10)]
    most = 104 * INPUT + 10 * OUTPUT
    async with ring_on(server.url, most) as ring:
        response = await ring.chat(ask(max_tokens=10))
        (state,) = ring.budgets
    assert (state.spent, state.excess) == (most, 1000 * INPUT)
    assert [warning for warning in response.warnings if "more than" in warning]


BILLED_OTHERWISE = {
    "a cost of nothing": ({"usage": {"cost": 0}}, 0, True),
    "less than the tokens cost": ({"usage": {"cost": 1e-9}}, 0, True),
    "more than the tokens cost": ({"usage": {"cost": 0.01}}, Decimal("0.01"), True),
    "a tier without a price": ({"service_tier": "scale"}, 0, False),
    "such a tier, and a cost of nothing": ({"service_tier": "scale", "usage": {"cost": 0}}, 0, False),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("said", "dollars", "exact"), BILLED_OTHERWISE.values(), ids=list(BILLED_OTHERWISE))
async def test_a_budget_counts_the_larger_of_cost_and_tokens_and_keeps_the_worst_case_where_neither_is_known(
    server: Server, said: dict[str, Any], dollars: Decimal, exact: bool, stream: bool
) -> None:
    said = {**said, "usage": {"prompt_tokens": 100, "completion_tokens": 10, **said.get("usage", {})}}
    choice = {"delta" if stream else "message": {"content": "Hi"}, "finish_reason": "stop"}
    body = msgspec.json.encode({"choices": [choice], **said})
    server.answers = [Answer(b"data: %b\n\ndata: [DONE]\n\n" % body if stream else body)]
    async with ring_on(server.url, 0.1) as ring:
        response = await ended_call(ring, stream=stream)
        (state,) = ring.budgets
    tokens = 100 * INPUT + 10 * OUTPUT
    assert state.spent == max(tokens, dollars)
    assert (state.withheld == 0) is exact
    if not exact:
        assert state.spent + state.withheld >= 104 * INPUT + 10 * OUTPUT  # what was set aside
        assert any(
            "the budget counts an estimate and keeps the worst case" in each for each in response.warnings
        )


async def test_searches_whose_price_is_not_known_keep_the_worst_case_set_aside() -> None:
    usage: Usage = {"prompt_tokens": 100, "completion_tokens": 10, "web_searches": 3}
    fake = FakeProvider(LLMResponse(content="Hi", model="host:a", usage=usage, finish_reason="stop"))
    prices = {"host:*": Prices(input=Decimal(1), output=Decimal(10))}
    async with LLMRing(policy=Policy(budget_usd=1), prices=prices) as ring:
        ring.register_provider("host", fake)
        await ring.chat(ask("host:a", max_tokens=1000))
        (state,) = ring.budgets
    assert state.spent == Decimal("0.0002")
    assert state.spent + state.withheld == Decimal("0.010104")


async def test_a_tier_that_is_asked_for_is_set_aside_at_its_own_price() -> None:
    most = []
    for tier in ("default", "flex", "priority"):
        async with LLMRing(policy=Policy(budget_usd=1e-9)) as ring:
            ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:9")
            with pytest.raises(BudgetExceededError) as refused:
                await ring.chat(ask("openai:gpt-5", max_tokens=10, extra_params={"service_tier": tier}))
        most.append(refused.value.details["estimated_usd"])
    standard, flex, priority = most
    assert flex == standard
    assert priority == 2 * standard


async def test_an_alias_has_a_budget_of_its_own(server: Server, lockfile: Path) -> None:
    limited = Constraints(budget_usd=Decimal("0.0003"))
    llmring_lockfile.bind(lockfile, "cheap", "openai:gpt-4o-mini", constraints=limited)
    llmring_lockfile.bind(lockfile, "free", "openai:gpt-4o-mini")
    server.answers = [answer()]
    async with ring_on(server.url) as ring:
        before = ring.budgets
        await ring.chat(ask("cheap", max_tokens=100))
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
        await ring.chat(ask("cheap", max_tokens=100))
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


async def test_a_model_without_a_price_is_refused_under_a_budget_and_the_error_says_what_to_do(
    server: Server, lockfile: Path
) -> None:
    limited = Constraints(max_cost_usd=Decimal(1))
    llmring_lockfile.bind(lockfile, "own", "openai:gpt-unheard-of", constraints=limited)
    for budget, model in ((0.01, "openai:gpt-unheard-of"), (None, "own"), (0.01, "ollama:llama3")):
        async with ring_on(server.url, budget) as ring:
            with pytest.raises(CostTrackingError, match=r"LLMRing\(prices=") as caught:
                await ring.chat(ask(model))
        assert caught.value.cost_status in ("model_not_in_registry", "local_model")
    assert not server.asked


async def test_the_policy_may_let_calls_pass_whose_cost_is_not_known(server: Server) -> None:
    server.answers = [answer()]
    async with LLMRing(policy=Policy(budget_usd=0.01, unknown_price="allow")) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        response = await ring.chat(ask("openai:gpt-unheard-of"))
        assert ring.budgets[0].spent == 0
    assert response.warnings == [
        "the budget does not count this call: its price is not known (model_not_in_registry)"
    ]


@pytest.mark.parametrize("name", ["openai:house-model", "openai:*", "OpenAI:*"])
async def test_a_price_can_be_given_for_a_host_of_ones_own(server: Server, name: str) -> None:
    server.answers = [answer(1000, 100)]
    prices = {name: Prices(input=Decimal(2), output=Decimal(8))}
    async with LLMRing(policy=Policy(budget_usd=1), prices=prices) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        response = await ring.chat(ask("openai:house-model", max_tokens=100))
        assert ring.budgets[0].spent == Decimal("0.0028")
        assert ring.facts("openai:house-model") is not None
    assert response.usage is not None
    assert response.usage["cost"] == pytest.approx(0.0028)


async def test_where_no_limit_is_known_a_stated_one_is_set_aside(server: Server) -> None:
    prices = {"openai:house-model": Prices(input=Decimal(0), output=Decimal(1))}
    async with LLMRing(policy=Policy(budget_usd=0.001), prices=prices) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        with pytest.raises(BudgetExceededError) as caught:
            await ring.chat(ask("openai:house-model"))
    assert caught.value.details["estimated_usd"] == UNKNOWN_OUTPUT_TOKENS * Decimal(1) / 1_000_000


@pytest.mark.parametrize("prices", [{"gpt": Prices()}, {"openai:gpt": 3}])
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(ConfigurationError, match="prices"):
        LLMRing(prices=prices)


async def test_what_costs_nothing_passes_when_nothing_is_left(server: Server) -> None:
    server.answers = [answer(104, 10)]
    async with ring_on(server.url, 104 * INPUT + 10 * OUTPUT) as ring:
        await ring.chat(ask(max_tokens=10))
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


def test_a_word_for_unknown_prices_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown_price"):
        Policy(unknown_price="ask")  # type: ignore[arg-type]


DOLLAR = {
    f"fake:{model}": Prices(input=Decimal(0), output=Decimal(100_000)) for model in "ab"
}  # ten tokens cost a dollar
TEN = LLMRequest(messages=[Message(role="user", content="Hi")], max_tokens=10)


@pytest.mark.parametrize(("budget", "asked"), [(1.5, ["a"]), (2.5, ["a", "b"])])
async def test_a_hedge_sets_aside_what_it_may_cost_itself(
    tmp_path: Path, budget: float, asked: list[str]
) -> None:
    path = tmp_path / "llmring.lock"
    llmring_lockfile.bind(path, "pair", ["fake:a", "fake:b"], create=True)
    fake = FakeProvider(HANG)
    policy = Policy(budget_usd=budget, hedge_after_s=0.001, retry=RetryPolicy(attempts=1), breaker=None)
    async with LLMRing(lockfile_path=path, prices=DOLLAR, policy=policy) as ring:
        ring.register_provider("fake", fake)
        with pytest.raises((ProviderTimeoutError, BudgetExceededError)):
            await ring.chat(msgspec.structs.replace(TEN, model="pair", timeout=0.1))
    assert [call.ref.model for call in fake.calls] == asked


async def test_a_retry_sets_aside_what_it_may_cost_itself() -> None:
    fake = FakeProvider(ProviderTimeoutError("late", provider="fake"))
    policy = Policy(budget_usd=2.5, retry=RetryPolicy(attempts=9, base_s=0), breaker=None)
    async with LLMRing(prices=DOLLAR, policy=policy) as ring:
        ring.register_provider("fake", fake)
        with pytest.raises((ProviderTimeoutError, BudgetExceededError)):
            await ring.chat(msgspec.structs.replace(TEN, model="fake:a"))
        (state,) = ring.budgets
    assert len(fake.calls) == 2  # each may have been billed: a third would not fit
    assert state.spent + state.withheld <= state.limit
