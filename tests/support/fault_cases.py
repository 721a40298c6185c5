"""Faults on the wire, and the error that each becomes."""

from typing import NamedTuple

from fault_ring import Met
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
from llmring.testing import Answer, Fault, faults

PIECE = 20
TEXT = "".join(f"{number:03} fault;" for number in range(20))
ANSWER = Answer(text=TEXT, chunk_size=PIECE)
FIRST_PIECE = {"openai": 1, "responses": 4, "anthropic": 3, "google": 0, "ollama": 0, "bedrock": 1}
"""Events of a stream before the first one with text."""
MID = 6


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


Broken, Cut, Garbled, Late = (
    ProviderConnectionError,
    StreamInterruptedError,
    MalformedResponseError,
    ProviderTimeoutError,
)

CASES = {
    "400": status(400, ProviderBadRequestError),
    "401": status(401, ProviderAuthenticationError),
    "402": status(402, ProviderQuotaError),
    "403": status(403, ProviderPermissionError),
    "404": status(404, ModelNotFoundError),
    "413": status(413, ProviderRequestTooLargeError),
    "422": status(422, ProviderBadRequestError),
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


class Expected(NamedTuple):
    """The consequences of a fault for one protocol."""

    kind: type[LLMRingError]
    text: str
    status: int | None
    partial: bool

    @property
    def again(self) -> bool:
        """Return true if the same model may be tried again."""
        return self.kind.retryable and not self.text

    @property
    def elsewhere(self) -> bool:
        """Return true if the next member of the pool is tried."""
        return self.kind.fails_over and not self.text

    def check_error(self, met: Met, *, requests: int) -> None:
        """See to it that a call ended like this, after so many requests to one model."""
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
    """Return what becomes of a case."""
    if not stream:
        return Expected(case.whole, "", case.status, partial=False)
    text = TEXT[: PIECE * max(0, case.after - FIRST_PIECE[protocol])]
    if isinstance(case.fault, faults.Status):
        return Expected(case.streamed, text, case.status, partial=False)
    begun = bool(text) or case.streamed not in (Late, Broken)
    return Expected(case.streamed, text, None, partial=begun)
