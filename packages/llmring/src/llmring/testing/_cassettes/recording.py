"""Recording: requests are answered as usual, and the answers are written down."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from llmring_providers.transport import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    TransportError,
    divert,
)
from llmring_types.exceptions import LLMRingError

from llmring._settings import known_secrets
from llmring.testing._cassettes import cassette
from llmring.testing._cassettes.cassette import Answered, Cassette, Ending, Interaction, to_chunk
from llmring.testing._cassettes.redaction import HttpRedactor, secrets_of


class _Take:
    """One exchange in progress, secrets included."""

    def __init__(self, provider: str, request: HttpRequest) -> None:
        self.provider = provider
        self.request = request
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.pieces: list[bytes] = []
        self.ending: Ending = "silence"
        self.reason = ""

    def broke(self, error: TransportError) -> None:
        self.ending, self.reason = "broken", str(error)

    def interaction(self, redactor: HttpRedactor) -> Interaction:
        answer = Answered(
            status=self.status,
            headers=redactor.headers(self.headers),
            body=tuple(map(to_chunk, redactor.body(self.pieces))),
            ending=self.ending,
            reason=redactor.text(self.reason),
        )
        return Interaction(self.provider, redactor.request(self.request), answer)


class Recording:
    """The exchanges of a recording under way; a :class:`Diversion`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._takes: list[_Take] = []
        self._secrets = {*known_secrets(), *secrets}

    def __len__(self) -> int:
        return len(self._takes)

    def through(self, transport: Transport, *, provider: str, secret: str) -> Transport:
        self._secrets.add(secret)
        return _RecordingTransport(self, transport, provider)

    def begin(self, provider: str, request: HttpRequest) -> _Take:
        """Register a request that is about to be sent."""
        take = _Take(provider, request)
        self._takes.append(take)
        return take

    def forget(self, take: _Take) -> None:
        """Remove a request that was not sent."""
        self._takes.remove(take)

    def cassette(self) -> Cassette:
        """Return what was recorded, without any secret that was seen at any time."""
        for take in self._takes:
            self._secrets.update(secrets_of(take.request))
        redactor = HttpRedactor(self._secrets)
        return Cassette(cassette.VERSION, tuple(take.interaction(redactor) for take in self._takes))

    def save(self, path: Path) -> None:
        """Write the cassette.

        Raises:
            CassetteError: it cannot be written.
        """
        cassette.save(path, self.cassette())


@contextmanager
def record(path: str | Path, *, secrets: Iterable[str] = ()) -> Iterator[Recording]:
    """Record the answers of providers to this process within the block, for :func:`replay`.

    Every call of every ring is recorded, through whatever transport or SDK client it goes; calls that use a
    raw SDK client themselves are not, nor are the registry and the usage server. The file is replaced at the
    end of the block, also when that ends in an error, unless nothing was asked until then.

    Keys do not reach the file, in whatever form they are sent or returned: credentials in headers, URLs and
    bodies, the values of variables such as ``OPENAI_API_KEY``, and whatever looks like a key of a provider.

    Args:
        path: of the cassette, a JSON file.
        secrets: more values that must not be in it. Give the same ones to :func:`replay`.

    Raises:
        CassetteError: the file cannot be written.
    """
    recording = Recording(secrets)
    try:
        with divert(recording):
            yield recording
    except BaseException:
        if recording:
            recording.save(Path(path))
        raise
    recording.save(Path(path))


class _RecordingTransport:
    """Sends through another transport."""

    def __init__(self, recording: Recording, transport: Transport, provider: str) -> None:
        self._recording = recording
        self._transport = transport
        self._provider = provider

    async def send(self, request: HttpRequest) -> HttpResponse:
        take = self._recording.begin(self._provider, request)
        with self._noted(take):
            reply = await self._transport.send(request)
        take.status, take.headers, take.ending = reply.status, reply.headers, "end"
        take.pieces = [reply.body] if reply.body else []
        return reply

    async def open(self, request: HttpRequest) -> ByteStream:
        take = self._recording.begin(self._provider, request)
        with self._noted(take):
            stream = await self._transport.open(request)
        take.status, take.headers, take.ending = stream.status, stream.headers, "unread"
        return _RecordingStream(stream, take)

    async def aclose(self) -> None:
        await self._transport.aclose()

    @contextmanager
    def _noted(self, take: _Take) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            take.broke(error)
            raise
        except LLMRingError:
            self._recording.forget(take)
            raise


class _RecordingStream:
    """A stream of another transport."""

    def __init__(self, stream: ByteStream, take: _Take) -> None:
        self._stream = stream
        self._take = take
        self.status = stream.status
        self.headers = stream.headers

    async def read(self) -> bytes:
        take = self._take
        take.ending = "silence"  # until something is received
        try:
            piece = await self._stream.read()
        except TransportError as error:
            take.broke(error)
            raise
        if piece:
            take.pieces.append(piece)
        take.ending = "unread" if piece else "end"
        return piece

    async def finish(self) -> None:
        self._take.ending = "end"
        await self._stream.finish()

    def close(self) -> None:
        self._stream.close()
