"""What can go wrong on the wire, and what it becomes."""

from typing import NamedTuple

from llmring.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
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
