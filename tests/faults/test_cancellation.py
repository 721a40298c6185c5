"""Cancelling a call, wherever it is, leaves no task, no connection and no warning, and a ring that still works."""

import ssl
from functools import partial

import anyio
import pytest
from fault_ring import BACKENDS, ask, no_more_connections, read, ring_on, run
from llmring import Policy, RetryPolicy
from llmring.testing import Answer, Rule, Script, Simulator, faults

SLOW = RetryPolicy(attempts=2, base_s=60, max_s=60)
STALLED = Script(
    rules=(
        Rule(model="before", fault=faults.Stall()),
        Rule(model="head", fault=faults.Stall(after=0)),
        Rule(model="middle", answer=Answer(text="x" * 99), fault=faults.Stall(after=4)),
        Rule(model="busy", fault=faults.Status(status=429, retry_after=20)),
        Rule(model="down", fault=faults.Reset()),
    )
)
STAGES = {
    # the alias asked for, the policy, how many requests have been sent when it is cancelled, how many connections
    # are good for another call
    "waiting for the head": ("openai:before", Policy(), 1, 0),
    "waiting for the body": ("openai:head", Policy(), 1, 0),
    "in the middle of the body": ("openai:middle", Policy(), 1, 0),
    "at the second member": ("switched", Policy(), 2, 0),
    "while Retry-After passes": ("openai:busy", Policy(), 1, 1),
    "while backing off": ("openai:down", Policy(retry=SLOW), 1, 0),
    "waiting for a place": ("openai:before", Policy(max_concurrent={"openai": 1}), 1, 0),
    "with a hedge": ("hedged", Policy(hedge_after_s=0.01), 2, 0),
}
POOLS = {"switched": ["openai:down", "anthropic:before"], "hedged": ["openai:before", "anthropic:head"]}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("model", "policy", "requests", "kept"), STAGES.values(), ids=list(STAGES))
def test_a_call_can_be_cancelled(
    simulator: Simulator,
    tls: ssl.SSLContext,
    model: str,
    policy: Policy,
    requests: int,
    kept: int,
    stream: bool,
    backend: str,
) -> None:
    simulator.script = STALLED

    async def main() -> None:
        async with ring_on(simulator, tls, policy=policy, pools=POOLS) as ring:
            async with anyio.create_task_group() as group:
                for _ in range(2 if policy.max_concurrent else 1):
                    group.start_soon(partial(read, ring, ask(model), stream=stream))
                while len(simulator.requests) < requests:  # noqa: ASYNC110 - it runs in another thread
                    await anyio.sleep(0.001)
                await anyio.sleep(0.02)
                assert len(simulator.requests) == requests
                group.cancel_scope.cancel()
            await no_more_connections(simulator, than=kept)
            assert (await ring.chat(ask("openai:good"))).content

    run(backend, main)


@pytest.mark.parametrize("backend", BACKENDS)
def test_leaving_a_stream_early_closes_its_connection_at_once(
    simulator: Simulator, tls: ssl.SSLContext, backend: str
) -> None:
    simulator.script = STALLED

    async def main() -> None:
        async with ring_on(simulator, tls) as ring:
            async for chunk in ring.chat_stream(ask("openai:middle")):
                assert chunk.delta
                break
            await no_more_connections(simulator, than=0)
            async with ring.chat_stream(ask("openai:middle")) as stream:
                await anext(stream)
            await no_more_connections(simulator, than=0)

    run(backend, main)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_finished_stream_gives_its_connection_back(
    simulator: Simulator, tls: ssl.SSLContext, backend: str
) -> None:
    simulator.script = STALLED

    async def main() -> None:
        async with ring_on(simulator, tls) as ring:
            for _ in range(3):
                for stream in (True, False):
                    await read(ring, ask("openai:good"), stream=stream)
            assert simulator.connections == 1

    run(backend, main)
