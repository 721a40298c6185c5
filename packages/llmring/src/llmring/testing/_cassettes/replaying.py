"""Answers requests from a cassette, and nothing else."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from llmring_providers.sim.transport import pause
from llmring_providers.transport import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    TransportError,
    divert,
)
from llmring_types.exceptions import CassetteError, CassetteMismatchError

from llmring._settings import known_secrets
from llmring.testing._cassettes import cassette
from llmring.testing._cassettes.cassette import Answered, Asked, from_chunk
from llmring.testing._cassettes.matching import differences, fingerprint
from llmring.testing._cassettes.redaction import HttpRedactor, secrets_of

_MOST_DIFFERENCES = 10
_ANEW = "If that is intended, record it again (with record(), or pytest --llmring-record=all)."


class Replay:
    """A cassette that is being replayed; a :class:`Diversion`.

    Args:
        path: of the cassette.
        secrets: as they were given to the recording.

    Raises:
        CassetteError: there is none, or it cannot be read.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        self._path = path
        self._secrets = frozenset((*known_secrets(), *secrets))
        del secrets  # errors are raised below, and tracebacks may show locals
        self._interactions = cassette.load(path).interactions
        self._fingerprints = [fingerprint(one.request) for one in self._interactions]
        self._unused = set(range(len(self._interactions)))
        self._refused: list[CassetteMismatchError] = []

    @property
    def providers(self) -> frozenset[str]:
        """The providers that answer in it."""
        return frozenset(one.provider for one in self._interactions)

    def through(self, transport: Transport, *, provider: str, secret: str) -> Transport:  # noqa: ARG002
        return _ReplayTransport(self, secret)

    def redacted(self, request: HttpRequest, secret: str) -> Asked:
        """Return the request as it would be recorded."""
        return HttpRedactor((*self._secrets, secret, *secrets_of(request))).request(request)

    def take(self, asked: Asked) -> Answered:
        """Return the first recorded answer to such a request that was not given yet.

        Raises:
            CassetteMismatchError: there is none.
        """
        wanted = fingerprint(asked)
        same = [place for place, known in enumerate(self._fingerprints) if known == wanted]
        for place in same:
            if place in self._unused:
                self._unused.remove(place)
                return self._interactions[place].answer
        raise self.refused(self._all_used(asked, same) if same else self._unknown(asked))

    def refused(self, error: CassetteMismatchError) -> CassetteMismatchError:
        """Keep a mismatch, so that it is reported at the end even if a caller catches it."""
        self._refused.append(error)
        return error

    def problem(self) -> CassetteMismatchError | None:
        """Return what does not agree with the cassette, seen from the end of the test; ``None`` if all does."""
        lines = [error.message for error in self._refused]
        if self._unused:
            left = (self._named(place) for place in sorted(self._unused))
            lines.append(
                f"{len(self._unused)} of the {len(self._interactions)} interactions in {self._path} were not asked for: "
                f"{'; '.join(left)}. {_ANEW}"
            )
        if not lines:
            return None
        found = [line for error in self._refused for line in error.differences]
        return CassetteMismatchError("\n".join(lines), differences=found)

    def _all_used(self, asked: Asked, same: list[int]) -> CassetteMismatchError:
        places = ", ".join(f"interactions[{place}]" for place in same)
        return CassetteMismatchError(
            f"{asked.method} {asked.url} was asked once more than it is in {self._path} ({places}). {_ANEW}"
        )

    def _unknown(self, asked: Asked) -> CassetteMismatchError:
        head = f"{asked.method} {asked.url} with this body is not in {self._path}"
        ranked = [
            (len(found), place not in self._unused, place, found)
            for place, one in enumerate(self._interactions)
            for found in [differences(one.request, asked)]
        ]
        if not ranked:
            return CassetteMismatchError(f"{head}, which is empty")
        _, used, place, found = min(ranked)
        shown = found[:_MOST_DIFFERENCES]
        if len(found) > len(shown):
            shown.append(f"and {len(found) - len(shown)} more")
        lines = "".join(f"\n  {line}" for line in shown)
        return CassetteMismatchError(
            f"{head}. The closest is interactions[{place}]{' (used already)' if used else ''}, which differs in:{lines}\n{_ANEW}",
            differences=found,
        )

    def _named(self, place: int) -> str:
        request = self._interactions[place].request
        return f"interactions[{place}] {request.method} {request.url}"

    def ended(self, chunks: int) -> CassetteMismatchError:
        """Return the error for a reader that goes further than the recording's did."""
        return self.refused(
            CassetteMismatchError(
                f"an answer in {self._path} ends after {chunks} chunks, because its recording was read no further. "
                f"{_ANEW}"
            )
        )

    def body(self, answer: Answered) -> list[bytes]:
        """Return the pieces of the answer.

        Raises:
            CassetteError: they cannot be read.
        """
        try:
            return [from_chunk(chunk) for chunk in answer.body]
        except ValueError as error:
            raise CassetteError(
                f"the cassette {self._path} has a chunk that is not valid base64: {error}", original=error
            ) from error


@contextmanager
def replay(path: str | Path, *, secrets: Iterable[str] = ()) -> Iterator[Replay]:
    """Answer every call of every ring within the block from a cassette of :func:`record`; nothing is sent anywhere.

    A request gets the first answer to the same request, by method, URL and body, that was not given yet, so
    calls may run side by side. Keys do not count: any will do, but a provider that needs one has to have one.
    What failed fails again in the same way, chunk by chunk; only time does not pass. An answer that was
    never arrived never arrives.

    Args:
        path: of the cassette.
        secrets: as they were given to :func:`record`.

    Raises:
        CassetteError: there is no cassette, or it cannot be read.
        CassetteMismatchError: in a call, the request is not in the cassette: the text has the differences to
            the closest one. At the end of the block, a request was not, even if that was caught, or there are
            answers that were not requested.
    """
    replayed = Replay(Path(path), secrets)
    del secrets  # as there
    try:
        with divert(replayed):
            yield replayed
    except BaseException as error:
        problem = replayed.problem()
        if problem is not None and not isinstance(error, CassetteMismatchError):
            error.add_note(problem.message)
        raise
    problem = replayed.problem()
    if problem is not None:
        raise problem


class _ReplayTransport:
    """A transport whose other end is a cassette."""

    def __init__(self, replayed: Replay, secret: str) -> None:
        self._replayed = replayed
        self._secret = secret

    async def send(self, request: HttpRequest) -> HttpResponse:
        stream = await self.open(request)
        pieces: list[bytes] = []
        while piece := await stream.read():
            pieces.append(piece)
        return HttpResponse(stream.status, stream.headers, b"".join(pieces))

    async def open(self, request: HttpRequest) -> ByteStream:
        answer = self._replayed.take(self._replayed.redacted(request, self._secret))
        if answer.status is None:
            await _end(answer)
            raise TransportError(answer.reason)
        return _ReplayStream(self._replayed, answer, answer.status)

    async def aclose(self) -> None:
        """Nothing is held."""


class _ReplayStream:
    """An answer as it was recorded."""

    def __init__(self, replayed: Replay, answer: Answered, status: int) -> None:
        self.status = status
        self.headers: Mapping[str, str] = answer.headers
        self._replayed = replayed
        self._answer = answer
        self._pieces = iter(replayed.body(answer))

    async def read(self) -> bytes:
        piece = next(self._pieces, b"")
        if piece:
            return piece
        if self._answer.ending == "unread":
            raise self._replayed.ended(len(self._answer.body))
        await _end(self._answer)
        return b""

    async def finish(self) -> None:
        """There is no connection to give back."""

    def close(self) -> None:
        """There is no connection to close."""


async def _end(answer: Answered) -> None:
    """End as the recording did."""
    if answer.ending == "silence":
        await pause(math.inf)
    if answer.ending == "broken":
        raise TransportError(answer.reason)
