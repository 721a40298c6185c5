"""Runs of tools: the loop between a model and the functions that it calls."""

import threading
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import anyio
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Policy, RetryPolicy, StreamChunk, ToolCall
from llmring.exceptions import (
    BudgetExceededError,
    ConfigurationError,
    LLMRingError,
    ProviderAuthenticationError,
    ProviderServerError,
    ToolLoopError,
    ValidationError,
)
from llmring.testing import FakeProvider
from llmring.tools import ToolResult
from llmring_types import Prices, tool_call

ASKED = LLMRequest(messages=[Message(role="user", content="Sum?")], model="fake:x", max_tokens=10)


def calls(*called: tuple[str, str], usage: Any = None) -> LLMResponse:
    return LLMResponse(
        content="",
        model="fake:x",
        finish_reason="tool_calls",
        usage=usage,
        tool_calls=[
            tool_call(f"c{place}", name, arguments) for place, (name, arguments) in enumerate(called)
        ],
    )


ADD = calls(("add", '{"a": 1, "b": 2}'))


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def ring_with(*replies: Any, **options: Any) -> tuple[LLMRing, FakeProvider]:
    ring, provider = LLMRing(**options), FakeProvider(*replies)
    ring.register_provider("fake", provider)
    return ring, provider


async def test_the_model_gets_the_results_and_answers() -> None:
    ring, provider = ring_with(ADD, "It is 3.")
    run = await ring.run(ASKED, tools=[add])
    assert run.content == "It is 3."
    assert [(result.name, result.content, result.is_error) for result in run.results] == [("add", "3", False)]
    assert [message.role for message in run.messages] == ["user", "assistant", "tool", "assistant"]
    assert (run.messages[2].tool_call_id, run.messages[2].name) == ("c0", "add")
    assert len(run.responses) == 2
    first, second = provider.calls
    assert first.request.tools is not None
    assert [spec["function"]["name"] for spec in first.request.tools] == ["add"]
    assert second.request.messages == run.messages[:3]
    assert ASKED.tools is None
    assert len(ASKED.messages) == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_calls_of_one_answer_run_at_the_same_time(backend: str) -> None:
    met = threading.Barrier(2, timeout=20)

    async def main() -> None:
        both = anyio.Event()
        waiting: list[str] = []

        async def meet(name: str) -> str:
            waiting.append(name)
            if len(waiting) == 2:
                both.set()
            await both.wait()
            return name

        def meet_in_threads() -> int:
            return met.wait()

        ring, _ = ring_with(
            calls(("meet", '{"name": "a"}'), ("meet", '{"name": "b"}')),
            calls(("meet_in_threads", ""), ("meet_in_threads", "{}")),
            "done",
        )
        run = await ring.run(ASKED, tools=[meet, meet_in_threads])
        assert [result.content for result in run.results[:2]] == ["a", "b"]
        assert sorted(str(result.content) for result in run.results[2:]) == ["0", "1"]

    anyio.run(main, backend=backend)


async def test_failures_go_back_to_the_model_as_failed_results() -> None:
    async def fails() -> None:
        raise KeyError("gone")

    def unsendable() -> object:
        return object()

    ring, provider = ring_with(
        calls(("fails", ""), ("unsendable", ""), ("add", '{"a": "x"}'), ("nowhere", "")), "sorry"
    )
    run = await ring.run(ASKED, tools=[fails, unsendable, add])
    contents = [str(result.content) for result in run.results]
    assert all(result.is_error for result in run.results)
    assert contents[0] == "KeyError: 'gone'"
    assert "JSON cannot carry" in contents[1]
    assert "$.a: Expected `int`, got `str`" in contents[2]
    assert contents[3] == "There is no tool 'nowhere'. The tools are: fails, unsendable, add."
    assert isinstance(run.results[0].error, KeyError)
    sent = provider.calls[1].request.messages[2:]
    assert all(message.metadata == {"is_error": True} for message in sent)


async def test_rounds_are_limited_and_the_error_has_the_trace() -> None:
    ring, provider = ring_with(ADD)
    with pytest.raises(ToolLoopError, match="after 3 requests") as caught:
        await ring.run(ASKED, tools=[add], max_rounds=3)
    assert len(provider.calls) == 3
    assert len(caught.value.run.responses) == len(caught.value.run.results) == 3
    with pytest.raises(ValidationError):
        await ring.run(ASKED, tools=[add], max_rounds=0)


async def test_an_error_of_the_provider_carries_what_was_done_before() -> None:
    ring, _ = ring_with(ADD, ProviderAuthenticationError("401", provider="fake"))
    with pytest.raises(ProviderAuthenticationError) as caught:
        await ring.run(ASKED, tools=[add])
    assert [result.content for result in caught.value.run.results] == ["3"]


USAGE = {"prompt_tokens": 4, "completion_tokens": 10, "total_tokens": 14}
PRICES = {"fake:x": Prices(input=Decimal(0), output=Decimal(100000))}  # a dollar for ten tokens


async def test_cost_is_limited_before_a_request_is_sent() -> None:
    ring, provider = ring_with(calls(("add", '{"a": 1, "b": 2}'), usage=USAGE), prices=PRICES)
    with pytest.raises(BudgetExceededError, match=r"\$0\.5 is left of the budget of the run") as caught:
        await ring.run(ASKED, tools=[add], max_cost_usd=2.5)
    assert len(provider.calls) == 2
    assert caught.value.run.cost == 2.0
    assert caught.value.details["scope"] == "run"


@pytest.mark.parametrize("streamed", [False, True])
async def test_attempts_that_may_be_billed_count_against_the_cost_of_a_run(streamed: bool) -> None:
    broken = ProviderServerError(
        "broke down", provider="fake"
    )  # it has no status: it came instead of an answer
    policy = Policy(retry=RetryPolicy(attempts=5, base_s=0, max_s=0))
    ring, provider = ring_with(broken, prices=PRICES, policy=policy)

    async def run() -> None:
        if not streamed:
            await ring.run(ASKED, tools=[add], max_cost_usd=2.5)
        async for _ in ring.run_stream(ASKED, tools=[add], max_cost_usd=2.5):
            pass

    with pytest.raises(LLMRingError):
        await run()
    assert len(provider.calls) == 2


async def test_a_host_that_reports_no_cost_does_not_make_a_run_free() -> None:
    ring, provider = ring_with(
        calls(("add", '{"a": 1, "b": 2}'), usage={**USAGE, "reported_cost": 0.0}), prices=PRICES
    )
    with pytest.raises(BudgetExceededError):
        await ring.run(ASKED, tools=[add], max_cost_usd=2.5)
    assert len(provider.calls) == 2


async def test_a_limit_of_the_cost_ends_a_run_with_an_answer_whose_cost_is_not_known() -> None:
    ring, provider = ring_with(calls(("add", '{"a": 1, "b": 2}'), usage=None), prices=PRICES)
    with pytest.raises(ToolLoopError, match="the cost of fake:x is not known") as caught:
        await ring.run(ASKED, tools=[add], max_cost_usd=100)
    assert len(provider.calls) == 1
    assert caught.value.run is not None


@pytest.mark.parametrize("most", [float("nan"), float("inf"), -1, "x"])
async def test_a_limit_of_the_cost_is_a_number_of_dollars(most: Any) -> None:
    ring, provider = ring_with("ok", prices=PRICES)
    with pytest.raises(ValidationError, match="max_cost_usd"):
        await ring.run(ASKED, max_cost_usd=most)
    assert not provider.calls


async def test_one_round_is_enough_for_an_answer_and_none_is_refused() -> None:
    ring, provider = ring_with("ok")
    assert (await ring.run(ASKED, tools=[add], max_rounds=1)).content == "ok"
    with pytest.raises(ValidationError, match="max_rounds must be 1 or more; got 0"):
        await ring.run(ASKED, tools=[add], max_rounds=0)
    assert len(provider.calls) == 1


async def test_a_limit_of_no_dollars_lets_only_free_models_answer() -> None:
    ring, provider = ring_with("ok", prices=PRICES)
    with pytest.raises(BudgetExceededError):
        await ring.run(ASKED, max_cost_usd=0)
    assert not provider.calls
    ring, _ = ring_with("ok", prices={"fake:x": Prices(input=Decimal(0), output=Decimal(0))})
    assert (await ring.run(ASKED, max_cost_usd=0)).content == "ok"


@pytest.mark.parametrize("choice", ["required", "add", {"type": "function", "function": {"name": "add"}}])
async def test_a_choice_that_forces_a_call_holds_for_the_first_request_only(choice: Any) -> None:
    ring, provider = ring_with(ADD, "3")
    request = LLMRequest(messages=ASKED.messages, model="fake:x", tool_choice=choice)
    await ring.run(request, tools=[add])
    assert [call.request.tool_choice for call in provider.calls] == [choice, None]


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (True, "3"),
        (False, "The user did not allow this call."),
        ("not on Sundays", "not on Sundays"),
        (1, "The user did not allow this call."),
    ],
)
async def test_calls_are_approved_one_by_one(answer: Any, content: str) -> None:
    seen: list[str] = []

    def approve(call: ToolCall) -> Any:
        seen.append(call["function"]["name"])
        return answer

    async def approve_later(call: ToolCall) -> Any:
        return approve(call)

    for hook in (approve, approve_later):
        ring, _ = ring_with(ADD, "ok")
        run = await ring.run(ASKED, tools=[add], approve=hook)
        assert run.results[0].content == content
        assert run.results[0].is_error is (answer is not True)
    assert seen == ["add", "add"]


async def test_a_call_of_the_applications_own_tool_ends_the_run() -> None:
    own = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
    request = LLMRequest(messages=ASKED.messages, model="fake:x", tools=[own])
    ring, provider = ring_with(calls(("add", '{"a": 1, "b": 1}'), ("ask_user", "")))
    run = await ring.run(request, tools=[add])
    assert (len(provider.calls), run.results) == (1, [])
    assert run.response.tool_calls is not None
    provider.replies[:] = [calls(("shell", "{}"))]
    run = await ring.run(ASKED, tools=[add, {"type": "shell"}])
    assert run.results == []


async def test_a_call_in_a_form_of_the_providers_own_ends_the_run() -> None:
    own: Any = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}
    ring, _ = ring_with(LLMResponse(content="", model="fake:x", finish_reason="tool_calls", tool_calls=[own]))
    run = await ring.run(ASKED, tools=[add])
    assert (run.response.tool_calls, run.results) == ([own], [])


async def test_a_slow_tool_is_given_up_after_its_time() -> None:
    async def slow() -> None:
        await anyio.sleep_forever()

    ring, _ = ring_with(calls(("slow", "")), "too slow")
    run = await ring.run(ASKED, tools=[slow], tool_timeout_s=0.01)
    assert run.results[0].content == "The tool took longer than 0.01 s."
    assert run.results[0].seconds > 0


async def test_two_tools_of_one_name_are_refused() -> None:
    ring, _ = ring_with("x")
    with pytest.raises(ValidationError, match="add"):
        await ring.run(ASKED, tools=[add, add])


async def test_a_streamed_run_gives_chunks_and_results() -> None:
    ring, provider = ring_with(ADD, "It is three.")
    stream = ring.run_stream(ASKED, tools=[add])
    events = [event async for event in stream]
    results = [event for event in events if isinstance(event, ToolResult)]
    text = "".join(event.delta for event in events if isinstance(event, StreamChunk))
    assert ([result.content for result in results], text) == (["3"], "It is three.")
    assert stream.trace.content == "It is three."
    assert len(stream.trace.messages) == 4
    assert [given.finished for given in provider.streams] == [True, True]


async def test_a_streamed_run_that_is_left_closes_its_connection() -> None:
    ring, provider = ring_with("one two three")
    async with ring.run_stream(ASKED, tools=[add]) as stream:
        await anext(stream)
    assert provider.streams[0].closed


async def test_a_streamed_run_that_breaks_off_has_its_trace() -> None:
    ring, _ = ring_with(ADD, ["It", ProviderServerError("500", provider="fake")])
    stream = ring.run_stream(ASKED, tools=[add])
    with pytest.raises(ProviderServerError) as caught:
        async for _ in stream:
            pass
    assert caught.value.run is stream.trace
    assert len(stream.trace.results) == 1


def test_the_sync_ring_runs_tools_too() -> None:
    provider = FakeProvider(ADD, "3", ADD, "three")
    with LLMRing.sync() as ring:
        ring.register_provider("fake", provider)
        assert ring.run(ASKED, tools=[add]).content == "3"
        with ring.run_stream(ASKED, tools=[add]) as stream:
            kinds = [type(event).__name__ for event in stream]
        assert "ToolResult" in kinds
        assert stream.trace.content == "three"


Main = Callable[[], Coroutine[Any, Any, None]]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_run_cancels_its_tools(backend: str) -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("tool")

    async def main() -> None:
        ring, _ = ring_with(calls(("endless", ""), ("endless", "")))
        with anyio.move_on_after(0.01):
            await ring.run(ASKED, tools=[endless])

    anyio.run(main, backend=backend)
    assert ended == ["tool", "tool"]


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"tools": add}, ValidationError, r"tools must be a list: tools=\[…\]"),
        ({"tools": "add"}, ValidationError, "tools must be a list"),
        (
            {"tools": [add], "max_cost": 1},
            ValidationError,
            "a run has no option max_cost; its options are .*max_cost_usd",
        ),
        ({"tools": [add], "max_rounds": "3"}, ValidationError, "max_rounds must be 1 or more; got '3'"),
        ({"tools": [add], "max_rounds": True}, ValidationError, "max_rounds must be 1 or more; got True"),
        ({"tools": [add], "max_rounds": 2.5}, ValidationError, "max_rounds must be 1 or more; got 2.5"),
        ({"tools": [add], "approve": True}, ValidationError, "approve must be a function"),
        (
            {"tools": [add], "tool_timeout_s": -1},
            ConfigurationError,
            "tool_timeout_s must be a number of seconds",
        ),
    ],
)
async def test_options_of_a_run_that_cannot_be_are_refused_before_anything_is_sent(
    options: dict[str, Any], kind: type[LLMRingError], words: str
) -> None:
    ring, provider = ring_with("never")
    with pytest.raises(kind, match=words):
        await ring.run(ASKED, **options)
    assert not provider.calls


PAUSED = LLMResponse(
    content="Let me look.", model="fake:x", finish_reason="other", provider_finish_reason="pause_turn"
)


async def test_a_paused_turn_goes_on() -> None:
    """https://github.com/anthropics/anthropic-sdk-python/pull/1174"""
    ring, provider = ring_with(PAUSED, "It is 3.")
    run = await ring.run(ASKED, tools=[add])
    assert run.content == "It is 3."
    assert [message.role for message in provider.calls[1].request.messages] == ["user", "assistant"]


async def test_a_turn_that_pauses_for_ever_ends_with_the_rounds() -> None:
    ring, _ = ring_with(PAUSED)
    with pytest.raises(ToolLoopError, match="after 2 requests"):
        await ring.run(ASKED, tools=[add], max_rounds=2)


async def test_a_paused_turn_goes_on_in_a_stream() -> None:
    ring, provider = ring_with(PAUSED, "It is 3.")
    events = [event async for event in ring.run_stream(ASKED, tools=[add])]
    assert (
        "".join(event.delta for event in events if isinstance(event, StreamChunk)) == "Let me look.It is 3."
    )
    assert len(provider.calls) == 2
