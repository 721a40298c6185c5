"""Very many calls at once, a tenth of which meet a fault: every one ends, and nothing is left of them."""

import gc
import ssl
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import anyio
import pytest
from fault_cases import ANSWER, CASES, Expected, expected
from fault_ring import BACKENDS, PROTOCOLS, Gate, Met, ask, call, provider_of, ring_on, run, tasks
from llmring import LLMRequest, LLMRing, Policy, RetryPolicy
from llmring.exceptions import ProviderError, ProviderOverloadedError
from llmring.testing import Answer, Rule, Script, Simulator, faults
from llmring_providers.transport import Transport

CALLS = {"asyncio": 1000, "trio": 400}
"""On trio as many as it takes for each fault to come: httpx2 is the slower, the more calls there are at once."""

STALLED_S = 1.0

LATENCY_S = 0.2
"""So that the host has them open at once too."""

POLICY = Policy(retry=RetryPolicy(attempts=1), breaker=None)
OTHERS = {
    "openai": "anthropic",
    "responses": "google",
    "anthropic": "ollama",
    "google": "openai",
    "ollama": "google",
}
POOLS = {
    protocol: [f"{provider_of(protocol)}:first", f"{other}:second"] for protocol, other in OTHERS.items()
}
SCRIPT = Script(
    rules=(
        *(
            Rule(model="first", contains=f"[{name}]", answer=ANSWER, fault=case.fault)
            for name, case in CASES.items()
        ),
        Rule(model="second", contains="[both]", fault=faults.Status(status=503)),
        Rule(answer=Answer(latency=LATENCY_S)),
    )
)


class Question(NamedTuple):
    """One call: its request and what must become of it."""

    request: LLMRequest
    protocol: str
    fault: str | None
    both: bool

    @property
    def text(self) -> str:
        return str(self.request.messages[0].content)

    @property
    def depends_on_time(self) -> bool:
        """Whether all that is under way may change what comes of it.

        The second member may be late as well; a connection may be lost together with the head of the answer.
        """
        if self.fault is None:
            return False
        case = CASES[self.fault]
        return case.stalls or (
            case.after == 0 and isinstance(case.fault, (faults.Cut, faults.Reset, faults.BadChunk))
        )

    def fate(self, *, stream: bool) -> Expected | None:
        return None if self.fault is None else expected(CASES[self.fault], self.protocol, stream=stream)

    def check(self, met: Met, *, stream: bool) -> None:
        fate = self.fate(stream=stream)
        first, second = POOLS[self.protocol]
        models = [one.model for one in met.attempts]
        if self.depends_on_time:
            assert met.attempts[0].outcome == "error"
            assert met.attempts[-1].outcome == ("ok" if met.error is None else "error")
            assert met.error is None or isinstance(met.error, ProviderError)
        elif fate is not None and not fate.elsewhere:
            fate.check_error(met, requests=1)
            assert models == [first]
        elif fate is not None and self.both:
            assert type(met.error) is ProviderOverloadedError
            assert [one.error for one in met.attempts] == [fate.kind.__name__, "ProviderOverloadedError"]
            assert models == [first, second]
        else:
            assert met.error is None
            assert self.text in met.text, "the answer is for another question"
            assert models == ([first] if fate is None else [first, second])
            assert met.attempts[-1].outcome == "ok"


def questions(calls: int, *, stalls: bool) -> Iterator[Question]:
    """A tenth of them meet a fault, each in its turn; a fifth of those meet one at the pool's other end too."""
    names = [name for name, case in CASES.items() if stalls or not case.stalls]
    for number in range(calls):
        fault = names[number // 10 % len(names)] if number % 10 == 0 else None
        both = number % 50 == 0
        protocol = PROTOCOLS[number % len(PROTOCOLS) if fault is None else number // 10 % len(PROTOCOLS)]
        request = ask(protocol, protocol)
        request.messages[0].content = f"{number} [{fault}] {'[both]' if both else ''}."
        request.timeout = STALLED_S if fault is not None and CASES[fault].stalls else None
        yield Question(request, protocol, fault, both)


async def ask_all(ring: LLMRing, asked: Sequence[Question], *, stream: bool) -> list[Met]:
    """Ask all at once."""
    met: dict[int, Met] = {}

    async def one(place: int, question: Question) -> None:
        met[place] = await call(ring, question.request, stream=stream)

    async with anyio.create_task_group() as group:
        for place, question in enumerate(asked):
            group.start_soon(one, place, question)
    return [met[place] for place in range(len(asked))]


async def storm(ring: LLMRing, simulator: Simulator, asked: Sequence[Question], *, stream: bool) -> None:
    before = tasks()
    met = await ask_all(ring, asked, stream=stream)
    for question, one in zip(asked, met, strict=True):
        question.check(one, stream=stream)
    sent = Counter(
        (request.prompt.model, request.prompt.question) for request in simulator.requests if request.prompt
    )
    told = Counter(
        (attempt.model.partition(":")[2], question.text)
        for question, one in zip(asked, met, strict=True)
        for attempt in one.attempts
    )
    assert sent - told == Counter()
    assert all("[stall" in text for _, text in told - sent), "time was up before it was sent"
    assert sum(one.error is None for one in met) >= len(asked) * 0.93
    assert tasks() == before


def memory() -> int:
    """Blocks of memory in use: exact, and free of charge."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_very_many_calls_at_once(
    simulator: Simulator, tls: ssl.SSLContext, stream: bool, backend: str
) -> None:
    async def main(*, stalls: bool) -> None:
        gates: list[Gate] = []

        def gate(transport: Transport) -> Gate:
            gates.append(Gate(transport, CALLS[backend]))
            return gates[0]

        asked = list(questions(CALLS[backend], stalls=stalls))

        async with ring_on(simulator, tls, policy=POLICY, pools=POOLS, behind=gate) as ring:
            await storm(ring, simulator, asked, stream=stream)
        assert gates[0].most == CALLS[backend]

    left = []
    for stalls in (False, True):
        simulator.script = SCRIPT
        simulator.requests.clear()
        run(backend, partial(main, stalls=stalls))
        simulator.requests.clear()
        left.append(memory())
    assert left[1] - left[0] < CALLS[backend], "memory grows with each call by a block or more"
