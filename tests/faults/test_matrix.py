"""Everything that can go wrong, for every protocol, whole and streamed, on asyncio and on trio, over real HTTP.

Each fault is met three times: by a model that always has it, by a model that has it once, and by a model with a
fallback behind it.
"""

import ssl
from typing import NamedTuple

import anyio
import pytest
from fault_ring import BACKENDS, PROTOCOLS, ask, provider_of, ring_on, run
from llmring import Attempt, LLMRequest, LLMRing, Policy, RetryPolicy
from llmring.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderQuotaError,
    ProviderRateLimitError,
    ProviderRequestTooLargeError,
    ProviderServerError,
    ProviderTimeoutError,
    StreamInterruptedError,
)
from llmring.testing import Answer, Fault, Rule, Script, Simulator, faults

PIECE = 20
TEXT = "".join(f"{number:03} fault;" for number in range(20))
ANSWER = Answer(text=TEXT, chunk_size=PIECE)
FIRST_PIECE = {"openai": 1, "responses": 4, "anthropic": 3, "google": 0, "ollama": 0}
"""Events of a stream before the first one with text."""
MID = 6

POLICY = Policy(retry=RetryPolicy(attempts=2, base_s=0), breaker=None)
STALLED_S = 0.4


class Case(NamedTuple):
    """A fault and what it becomes: of a whole answer, and of a stream.

    Attributes:
        after: events of the stream that come before it.
        status: the HTTP status that the trace tells; an error within a stream has none.
        stalls: whether it takes a time limit to end the call.
    """

    fault: Fault
    whole: type[LLMRingError]
    streamed: type[LLMRingError]
    after: int = 0
    status: int | None = None
    stalls: bool = False


def status(code: int, kind: type[LLMRingError], body: str | None = None) -> Case:
    return Case(faults.Status(status=code, retry_after=0, body=body), kind, kind, status=code)


def at(after: int, fault: Fault, whole: type[LLMRingError], streamed: type[LLMRingError]) -> Case:
    return Case(fault, whole, streamed, after)


Refused, Broken, Cut, Garbled = (
    ProviderConnectionError,
    ProviderConnectionError,
    StreamInterruptedError,
    MalformedResponseError,
)
Late = ProviderTimeoutError

CASES = {
    "400": status(400, ProviderBadRequestError),
    "401": status(401, ProviderAuthenticationError),
    "402": status(402, ProviderQuotaError),
    "403": status(403, ProviderPermissionError),
    "404": status(404, ModelNotFoundError),
    "413": status(413, ProviderRequestTooLargeError),
    "429": status(429, ProviderRateLimitError),
    "500": status(500, ProviderServerError),
    "502 of a proxy": status(502, ProviderServerError, "<html><title>Bad Gateway</title></html>"),
    "503": status(503, ProviderOverloadedError),
    "529": status(529, ProviderOverloadedError),
    "stall before the head": Case(faults.Stall(), Late, Late, stalls=True),
    "stall after the head": Case(faults.Stall(after=0), Late, Late, stalls=True),
    "stall in the middle": Case(faults.Stall(after=MID), Late, Late, MID, stalls=True),
    "no body": at(0, faults.Cut(after=0), Garbled, Cut),
    "body ends before the text": at(1, faults.Cut(after=1), Garbled, Cut),
    "body ends in the middle": at(MID, faults.Cut(after=MID), Garbled, Cut),
    "body ends within an event": at(MID, faults.Cut(after=MID, how="torn"), Garbled, Cut),
    "connection lost after the head": at(0, faults.Cut(after=0, how="lost"), Broken, Cut),
    "connection lost in the middle": at(MID, faults.Cut(after=MID, how="lost"), Broken, Cut),
    "reset before the head": at(0, faults.Reset(), Broken, Broken),
    "reset after the head": at(0, faults.Reset(after=0), Broken, Cut),
    "reset in the middle": at(MID, faults.Reset(after=MID), Broken, Cut),
    "malformed first event": at(0, faults.Malformed(after=0), Garbled, Garbled),
    "malformed event": at(MID, faults.Malformed(after=MID), Garbled, Garbled),
    "bad chunk after the head": at(0, faults.BadChunk(after=0), Broken, Cut),
    "bad chunk in the middle": at(MID, faults.BadChunk(after=MID), Broken, Cut),
    "error event first": Case(
        faults.ErrorEvent(after=0, status=500), ProviderServerError, ProviderServerError, status=500
    ),
    "error event in the middle": Case(
        faults.ErrorEvent(after=MID, status=500), ProviderServerError, ProviderServerError, MID, status=500
    ),
}


def script(fault: Fault) -> Script:
    return Script(
        rules=(
            Rule(model="broken", answer=ANSWER, fault=fault),  # type: ignore[arg-type]
            Rule(model="once", until=1, answer=ANSWER, fault=fault),  # type: ignore[arg-type]
            Rule(model="backed", answer=ANSWER, fault=fault),  # type: ignore[arg-type]
            Rule(answer=ANSWER),
        )
    )


def other(protocol: str) -> str:
    return "ollama" if protocol == "anthropic" else "anthropic"


class Met(NamedTuple):
    """How a call ended."""

    text: str
    attempts: list[Attempt]
    error: LLMRingError | None = None


async def call(ring: LLMRing, request: LLMRequest, *, stream: bool) -> Met:
    text = ""
    try:
        if not stream:
            response = await ring.chat(request)
            return Met(response.content, response.attempts)
        async for chunk in ring.chat_stream(request):
            text += chunk.delta
            attempts = chunk.attempts
    except LLMRingError as error:
        return Met(text, list(error.attempts), error)
    assert attempts is not None
    return Met(text, attempts)


class Expected(NamedTuple):
    """What a fault means for one protocol."""

    kind: type[LLMRingError]
    text: str
    status: int | None
    partial: bool

    def check_error(self, met: Met, *, requests: int) -> None:
        assert type(met.error) is self.kind
        assert met.text == self.text
        assert [(one.outcome, one.error, one.status_code) for one in met.attempts] == [
            ("error", self.kind.__name__, self.status)
        ] * requests
        assert isinstance(met.error, ProviderError)
        partial = met.error.partial
        assert (partial is not None) is self.partial
        assert partial is None or (partial.content, partial.finish_reason) == (self.text, None)


def expected(case: Case, protocol: str, *, stream: bool) -> Expected:
    if not stream:
        return Expected(case.whole, "", case.status, partial=False)
    text = TEXT[: PIECE * max(0, case.after - FIRST_PIECE[protocol])]
    if isinstance(case.fault, faults.Status):
        return Expected(case.streamed, text, case.status, partial=False)
    begun = bool(text) or case.streamed not in (Late, Broken)
    return Expected(case.streamed, text, None, partial=begun)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_fault(simulator: Simulator, tls: ssl.SSLContext, case: Case, stream: bool, backend: str) -> None:
    simulator.script = script(case.fault)
    pools = {
        f"{protocol}-pool": [f"{provider_of(protocol)}:backed", f"{other(protocol)}:good"]
        for protocol in PROTOCOLS
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
        for protocol in PROTOCOLS:
            group.start_soon(check_protocol, ring, simulator, case, protocol, stream)


async def check_protocol(
    ring: LLMRing, simulator: Simulator, case: Case, protocol: str, stream: bool
) -> None:
    provider, fate = provider_of(protocol), expected(case, protocol, stream=stream)
    again = fate.kind.retryable and not fate.text
    elsewhere = fate.kind.fails_over and not fate.text
    names = (f"{provider}:broken", f"{provider}:once", f"{protocol}-pool")
    met: dict[str, Met] = {}

    async def meet_as(name: str) -> None:
        met[name] = await call(ring, ask(name, protocol), stream=stream)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(meet_as, name)
    alone, once, backed = (met[name] for name in names)
    fate.check_error(alone, requests=2 if again else 1)
    if again:
        assert (once.text, [one.outcome for one in once.attempts]) == (TEXT, ["error", "ok"])
    else:
        fate.check_error(once, requests=1)
    if elsewhere:
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
    assert asked.count("broken") == asked.count("once") == (2 if again else 1)
