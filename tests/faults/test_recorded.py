"""What went wrong while a cassette was recorded goes wrong in the same way when it is replayed."""

from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from fault_cases import ANSWER, CASES, Case
from fault_ring import BACKENDS, PROTOCOLS, Met, ask, call, provider_of, run
from llmring import LLMRing, Policy, RetryPolicy
from llmring.exceptions import ProviderError
from llmring.testing import Rule, Script, record, replay
from llmring_providers.sim import SimTransport
from llmring_providers.transport import Transport

POLICY = Policy(retry=RetryPolicy(attempts=2, base_s=0), breaker=None)
STALLED_S = 0.05


class Unreachable(SimTransport):
    """Nothing may be sent through it."""

    async def open(self, *_: object) -> Any:
        raise AssertionError("a replayed test has asked somebody")


def ring_through(transport: Transport, key: str, *, stalls: bool) -> LLMRing:
    ring = LLMRing(transport=transport, policy=POLICY, timeout=STALLED_S if stalls else None)
    for provider in ("openai", "anthropic", "google", "ollama"):
        ring.register_provider(provider, api_key=key)
    return ring


async def met_by_all(ring: LLMRing, *, stream: bool) -> dict[str, Met]:
    met: dict[str, Met] = {}

    async def meet(protocol: str) -> None:
        met[protocol] = await call(ring, ask(f"{provider_of(protocol)}:m", protocol), stream=stream)

    async with anyio.create_task_group() as group:
        for protocol in PROTOCOLS:
            group.start_soon(meet, protocol)
    return met


def told(met: Met) -> tuple[object, ...]:
    """All that a program can see of it, but for the time it took."""
    attempts = [msgspec.structs.replace(one, seconds=0.0) for one in met.attempts]
    partial = met.error.partial if isinstance(met.error, ProviderError) else None
    return (
        met.text,
        attempts,
        type(met.error),
        str(met.error),
        getattr(met.error, "retry_after", None),
        partial,
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", [*CASES.values(), None], ids=[*CASES, "no fault"])
def test_a_fault_is_replayed(case: Case | None, stream: bool, backend: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    fault, stalls = (None, False) if case is None else (case.fault, case.stalls)
    script = Script(rules=(Rule(answer=ANSWER, fault=fault),))

    async def main() -> None:
        with record(path):
            recorded = await met_by_all(
                ring_through(SimTransport(script), "a-real-key", stalls=stalls), stream=stream
            )
        with replay(path):
            replayed = await met_by_all(ring_through(Unreachable(), "any", stalls=stalls), stream=stream)
        for protocol in PROTOCOLS:
            assert told(replayed[protocol]) == told(recorded[protocol])
            assert (recorded[protocol].error is None) is (case is None)

    run(backend, main)
