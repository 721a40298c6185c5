"""Everything that can go wrong, for every protocol, whole and streamed, on asyncio and on trio, over real HTTP.

Each fault is met three times: by a model that always has it, by a model that has it once, and by a model with a
fallback behind it.
"""

import ssl
from decimal import Decimal

import anyio
import pytest
from fault_cases import ANSWER, CASES, TEXT, Case, expected
from fault_ring import BACKENDS, FRAMED, PROVIDERS, Met, ask, call, provider_of, ring_on, run
from llmring import LLMRing, Policy, Prices, RetryPolicy
from llmring.exceptions import StructuredOutputError
from llmring.testing import Answer, Fault, Rule, Script, Simulator, faults
from llmring_providers.sim import Tokens

POLICY = Policy(retry=RetryPolicy(attempts=2, base_s=0), breaker=None)
STALLED_S = 1.5


def script(fault: Fault) -> Script:
    return Script(
        rules=(
            Rule(model="broken", answer=ANSWER, fault=fault),
            Rule(model="once", until=1, answer=ANSWER, fault=fault),
            Rule(model="backed", answer=ANSWER, fault=fault),
            Rule(answer=ANSWER),
        )
    )


def other(protocol: str) -> str:
    return "ollama" if protocol == "anthropic" else "anthropic"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_fault_becomes_its_error_and_moves_on_to_the_next_model(
    simulator: Simulator, tls: ssl.SSLContext, case: Case, stream: bool, backend: str
) -> None:
    simulator.script = script(case.fault)
    pools = {
        f"{protocol}-pool": [f"{provider_of(protocol)}:backed", f"{other(protocol)}:good"]
        for protocol in FRAMED
    }
    run(backend, meet, simulator, tls, case, stream, pools)


async def meet(
    simulator: Simulator, tls: ssl.SSLContext, case: Case, stream: bool, pools: dict[str, list[str]]
) -> None:
    timeout = STALLED_S if case.stalls else 10.0
    async with (
        ring_on(simulator, tls, policy=POLICY, pools=pools, timeout=timeout) as ring,
        anyio.create_task_group() as group,
    ):
        for protocol in FRAMED:
            group.start_soon(check_protocol, ring, simulator, case, protocol, stream)


async def check_protocol(
    ring: LLMRing, simulator: Simulator, case: Case, protocol: str, stream: bool
) -> None:
    provider, fate = provider_of(protocol), expected(case, protocol, stream=stream)
    names = (f"{provider}:broken", f"{provider}:once", f"{protocol}-pool")
    met: dict[str, Met] = {}

    async def meet_as(name: str) -> None:
        met[name] = await call(ring, ask(name, protocol), stream=stream)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(meet_as, name)
    alone, once, backed = (met[name] for name in names)
    fate.check_error(alone, requests=2 if fate.again else 1)
    if fate.again:
        assert (once.text, [one.outcome for one in once.attempts]) == (TEXT, ["error", "ok"])
    else:
        fate.check_error(once, requests=1)
    if fate.elsewhere:
        assert backed.text == TEXT
        assert [(one.model, one.error) for one in backed.attempts] == [
            (f"{provider}:backed", fate.kind.__name__),
            (f"{other(protocol)}:good", None),
        ]
    else:
        fate.check_error(backed, requests=1)
    asked = [
        request.prompt.model
        for request in simulator.requests
        if request.prompt is not None and request.prompt.protocol == protocol
    ]
    assert asked.count("backed") == 1
    assert asked.count("broken") == asked.count("once") == (2 if fate.again else 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_slow_drip_is_an_answer(
    simulator: Simulator, tls: ssl.SSLContext, stream: bool, backend: str
) -> None:
    """In a few bytes at a time, cut anywhere."""
    simulator.script = script(faults.Drip(size=29, seconds=0.0001))

    async def main() -> None:
        async with ring_on(simulator, tls, policy=POLICY) as ring:
            for protocol in FRAMED:
                met = await call(ring, ask(f"{provider_of(protocol)}:broken", protocol), stream=stream)
                assert (met.text, [one.outcome for one in met.attempts]) == (TEXT, ["ok"])

    run(backend, main)


LIE = Tokens(prompt_tokens=-1_000_000, completion_tokens=-1_000_000)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_negative_usage_gives_no_money_back(
    simulator: Simulator, tls: ssl.SSLContext, stream: bool, backend: str
) -> None:
    simulator.script = Script(rules=(Rule(answer=Answer(text=TEXT, usage=LIE)),))
    policy = Policy(budget_usd=1, retry=RetryPolicy(attempts=1))
    prices = {f"{provider}:*": Prices(input=Decimal(1), output=Decimal(10)) for provider in PROVIDERS}

    async def main() -> None:
        async with ring_on(simulator, tls, policy=policy, prices=prices) as ring:
            for protocol in FRAMED:
                before = ring.budgets[0].left if ring.budgets else Decimal(1)
                met = await call(
                    ring, ask(f"{provider_of(protocol)}:liar", protocol, max_tokens=1000), stream=stream
                )
                assert met.text == TEXT
                (state,) = ring.budgets
                assert before - state.left >= 1000 * Decimal("10e-6")  # the worst case stays out of reach
                assert state.spent > 0

    run(backend, main)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_slow_pattern_holds_nobody_up(
    simulator: Simulator, tls: ssl.SSLContext, stream: bool, backend: str
) -> None:
    simulator.script = Script(rules=(Rule(answer=Answer(text='{"code": "' + "a" * 60 + '!"}')),))
    schema = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^(a|aa)+$"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}

    async def main() -> None:
        async with ring_on(simulator, tls, policy=POLICY) as ring:
            for protocol in FRAMED:
                asked = ask(f"{provider_of(protocol)}:slow", protocol, response_format=form)
                with anyio.fail_after(5):
                    met = await call(ring, asked, stream=stream)
                assert isinstance(met.error, StructuredOutputError)
                assert "could not be checked" in str(met.error)

    run(backend, main)
