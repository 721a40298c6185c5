"""Simulated hosts with batch APIs, a clock that waits for nobody, and rows whose answers name them."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from llmring import LLMRequest, LLMResponse, LLMRing, Message
from llmring.bulk._batch_answers import BatchAnswer
from llmring.bulk._batches import BatchRun
from llmring_providers.sim import HostedBatches, Script, SimTransport, Simulation
from llmring_providers.sim.transport import SimStream
from llmring_providers.transport import HttpRequest

MODELS = {
    "openai": "openai:gpt-4o-mini",
    "responses": "openai:gpt-5",
    "anthropic": "anthropic:claude-haiku-4-5",
    "google": "google:gemini-2.5-flash",
}
RATES = {
    "openai:gpt-4o-mini": (Decimal("0.075"), Decimal("0.3")),
    "openai:gpt-5": (Decimal("0.625"), Decimal(5)),
    "anthropic:claude-haiku-4-5": (Decimal("0.5"), Decimal("2.5")),
    "google:gemini-2.5-flash": (Decimal("0.15"), Decimal("1.25")),
}
"""Dollars for a million tokens by batch, input and output, as the vendors' pages have them."""


class Clock:
    """A clock that jumps where somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class Recorder(SimTransport):
    """A simulated host in memory that keeps what it was asked."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(script)
        self.seen: list[HttpRequest] = []

    async def open(self, request: HttpRequest) -> SimStream:
        self.seen.append(request)
        return await super().open(request)


class Host:
    """A ring over a simulated host in memory, and everything that was asked of it."""

    def __init__(
        self, script: Script | None = None, *, transport: Recorder | None = None, **options: Any
    ) -> None:
        self.transport = transport or Recorder(script)
        self.clock = Clock()
        self.ring = LLMRing(transport=self.transport, **options)
        for name in ("openai", "anthropic", "google"):
            self.ring.register_provider(name, api_key="k")
        self.ring._chat.failover.clock = self.clock

    @property
    def simulation(self) -> Simulation:
        return self.transport._simulation

    @property
    def batches(self) -> HostedBatches:
        return self.simulation.batches

    def asked(self) -> list[HttpRequest]:
        """Return the requests of all batches, one by one."""
        return [line.request for batch in self.batches for line in batch.lines]

    def run(self, **options: Any) -> BatchRun:
        return BatchRun(self.ring._chat, **options)


class Row(NamedTuple):
    """A row as jobs have them."""

    key: str
    request: LLMRequest


def rows_of(model: str, count: int, **fields: Any) -> list[Row]:
    return [
        Row(f"k{number}", LLMRequest([Message(role="user", content=f"row {number}.")], model=model, **fields))
        for number in range(count)
    ]


async def each(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def answered(run: BatchRun, rows: Sequence[Row]) -> dict[str, BatchAnswer]:
    """Return the answers of a job by key, each once."""
    found: dict[str, BatchAnswer] = {}
    async for answer in run.answers(each(rows)):
        assert answer.key not in found
        found[answer.key] = answer
    assert found.keys() == {row.key for row in rows}
    return found


def row_said(response: LLMResponse) -> str:
    """Return the key of the row that an answer of the demo model is about."""
    found = re.search(r"“row (\d+)\.”", response.content)
    assert found is not None
    return f"k{found[1]}"


def cost_of(responses: Iterable[LLMResponse], model: str) -> Decimal:
    """Return what the tokens of all responses cost together, by hand."""
    rates = RATES[model]
    total = Decimal(0)
    for response in responses:
        usage = response.usage or {}
        total += rates[0] * usage["prompt_tokens"] + rates[1] * usage["completion_tokens"]
    return total / 1_000_000
