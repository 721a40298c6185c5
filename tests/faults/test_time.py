"""Waiting exactly as long as told. Time is trio's own mock clock, so that hours pass at once."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing
from fault_ring import BACKENDS, PROTOCOLS, ask, no_more_connections, provider_of, read, ring_on, run
from llmring import LLMRing, Policy, RetryPolicy
from llmring.exceptions import ProviderTimeoutError
from llmring.testing import Answer, Call, Fault, Rule, Script, Simulator, faults
from llmring_providers.sim import SimTransport

ONCE = RetryPolicy(attempts=1)
HOURS = 1e5
WORDS = Answer(text="one two three four", chunk_size=5)


def script(fault: Fault | None = None, *, latency: float = 0.0, pace: float = 0.0) -> Script:
    answer = Answer(text=WORDS.text, chunk_size=5, latency=latency, pace=pace)
    return Script(rules=(Rule(answer=answer, fault=fault),))


def elapsed(main: Callable[[], Awaitable[None]]) -> float:
    """Return the seconds that pass on the mock clock."""
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def timed() -> float:
        before = trio.current_time()
        await main()
        return trio.current_time() - before

    return trio.run(timed, clock=clock)


async def asked(ring: LLMRing, *, stream: bool, protocol: str = "openai", **fields: Any) -> str:
    request = ask(f"{provider_of(protocol)}:m", protocol, **fields)
    if not stream:
        return (await ring.chat(request)).content
    return "".join([chunk.delta async for chunk in ring.chat_stream(request)])


def ring_with(script: Script, policy: Policy, **arguments: Any) -> LLMRing:
    ring = LLMRing(transport=SimTransport(script), policy=policy, **arguments)
    for provider in ("openai", "anthropic"):
        ring.register_provider(provider, api_key="k")
    return ring


STALLS = [
    # the ring's limit, the request's, the policy; where it stalls, streamed or not; seconds until the error
    ({}, {}, {}, faults.Stall(), False, 60),
    ({}, {}, {}, faults.Stall(), True, 60),
    ({}, {}, {}, faults.Stall(after=1), False, 60),
    ({}, {}, {}, faults.Stall(after=1), True, 60),
    ({}, {}, {}, faults.Stall(after=3), True, 60),
    ({"timeout": 7.0}, {}, {}, faults.Stall(), False, 7),
    ({"timeout": None}, {"timeout": 8.0}, {}, faults.Stall(after=3), True, 8),
    ({"timeout": 7.0}, {"timeout": 9.0}, {}, faults.Stall(), False, 9),
    ({}, {}, {"first_chunk_timeout_s": 5.0}, faults.Stall(after=1), True, 5),
    ({}, {}, {"first_chunk_timeout_s": 5.0}, faults.Stall(), False, 60),
    ({}, {}, {"first_chunk_timeout_s": 5.0}, faults.Stall(after=3), True, 60),
    ({"timeout": None}, {}, {"first_chunk_timeout_s": 5.0}, faults.Stall(), True, 5),
    ({}, {}, {"chunk_timeout_s": 4.0}, faults.Stall(after=3), True, 4),
    ({}, {}, {"chunk_timeout_s": 4.0}, faults.Stall(after=1), True, 60),
    ({"timeout": None}, {}, {"chunk_timeout_s": 4.0}, faults.Stall(after=3), True, 4),
    ({"timeout": None}, {}, {"deadline_s": 30.0}, faults.Stall(), False, 30),
    ({}, {}, {"deadline_s": 30.0}, faults.Stall(after=1), True, 30),
]


@pytest.mark.parametrize(("of_ring", "of_request", "of_policy", "fault", "stream", "seconds"), STALLS)
def test_a_stall_is_waited_for_exactly_as_long_as_told(
    of_ring: dict[str, Any],
    of_request: dict[str, Any],
    of_policy: dict[str, Any],
    fault: Fault,
    stream: bool,
    seconds: float,
) -> None:
    policy = Policy(retry=ONCE, **of_policy)

    async def main() -> None:
        ring = ring_with(script(fault), policy, **of_ring)
        with pytest.raises(ProviderTimeoutError) as caught:
            await asked(ring, stream=stream, **of_request)
        assert caught.value.timeout == pytest.approx(seconds, abs=1)
        await ring.close()

    assert elapsed(main) == pytest.approx(seconds, abs=1)


PATIENT = [
    ({"timeout": None}, {}, {}),
    ({"timeout": 1.0}, {"timeout": None}, {}),
    ({"timeout": 1.0}, {}, {"first_chunk_timeout_s": None, "chunk_timeout_s": None}),
]


@pytest.mark.parametrize(("of_ring", "of_request", "of_policy"), PATIENT)
def test_none_waits_for_ever(
    of_ring: dict[str, Any], of_request: dict[str, Any], of_policy: dict[str, Any]
) -> None:
    async def main() -> None:
        ring = ring_with(script(latency=HOURS, pace=HOURS), Policy(retry=ONCE, **of_policy), **of_ring)
        assert await asked(ring, stream=True, **of_request) == WORDS.text
        if not of_policy:
            assert await asked(ring, stream=False, **of_request) == WORDS.text
        await ring.close()

    assert elapsed(main) > 5 * HOURS


def test_a_slow_stream_is_no_late_one() -> None:
    """The limits are for one wait each, not for all of them together."""

    async def main() -> None:
        ring = ring_with(script(latency=9.0, pace=9.0), Policy(retry=ONCE), timeout=20.0)
        assert await asked(ring, stream=True) == WORDS.text
        await ring.close()

    assert elapsed(main) > 45


WRITES = Call("write_file", {"text": "a long text that takes its time"}, id="c1")
IN_PIECES = ("openai", "responses", "anthropic")
"""Protocols that stream the arguments of a call."""


def writing(fault: Fault | None = None) -> Script:
    """A stream that has nothing to show for a long time: it calls a tool with long arguments."""
    answer = Answer(tool_calls=(WRITES,), chunk_size=3, pace=9.0)
    return Script(rules=(Rule(answer=answer, fault=fault),))


@pytest.mark.parametrize("protocol", IN_PIECES)
def test_a_long_tool_call_is_no_stall(protocol: str) -> None:
    async def main() -> None:
        ring = ring_with(writing(), Policy(retry=ONCE, chunk_timeout_s=20.0), timeout=60.0)
        assert await asked(ring, stream=True, protocol=protocol) == ""
        await ring.close()

    assert elapsed(main) > 100


@pytest.mark.parametrize("protocol", IN_PIECES)
@pytest.mark.parametrize(("of_policy", "seconds"), [({}, 20), ({"deadline_s": 75.0}, 0)])
def test_a_long_tool_call_may_stall_and_has_its_deadline(
    protocol: str, of_policy: dict[str, Any], seconds: float
) -> None:
    fault, before = (None, 75.0) if of_policy else (faults.Stall(after=9), 9 * 9.0)
    policy = Policy(retry=ONCE, chunk_timeout_s=20.0, **of_policy)

    async def main() -> None:
        ring = ring_with(writing(fault), policy, timeout=60.0)
        with pytest.raises(ProviderTimeoutError):
            await asked(ring, stream=True, protocol=protocol)
        await ring.close()

    assert elapsed(main) == pytest.approx(before + seconds, abs=10)


@pytest.mark.parametrize("protocol", ["openai", "responses", "anthropic"])
def test_a_greeting_is_no_answer(protocol: str) -> None:
    """What comes before the first text does not put off the limit for it."""
    opening = {"openai": 1, "responses": 3, "anthropic": 2}[protocol]

    async def main() -> None:
        policy = Policy(retry=ONCE, first_chunk_timeout_s=30.0)
        ring = ring_with(script(faults.Stall(after=opening), pace=5.0), policy)
        with pytest.raises(ProviderTimeoutError):
            await asked(ring, stream=True, protocol=protocol)
        await ring.close()

    assert elapsed(main) == pytest.approx(30, abs=1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("after", [None, 0, 6], ids=["before the head", "after the head", "in the middle"])
def test_a_timeout_closes_the_connection_at_once(
    simulator: Simulator, tls: ssl.SSLContext, after: int | None, stream: bool, backend: str
) -> None:
    """And not only when the ring is closed."""
    simulator.script = Script(rules=(Rule(answer=Answer(text="x" * 99), fault=faults.Stall(after=after)),))

    async def main() -> None:
        policy = Policy(retry=ONCE, breaker=None)
        async with ring_on(simulator, tls, policy=policy, timeout=0.05) as ring:
            for protocol in PROTOCOLS:
                request = ask(f"{provider_of(protocol)}:m", protocol)
                with pytest.raises(ProviderTimeoutError):
                    await read(ring, request, stream=stream)
                await no_more_connections(simulator, than=0)

    run(backend, main)
