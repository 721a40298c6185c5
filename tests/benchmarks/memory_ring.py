"""A ring whose providers answer from memory, so that only the library's own work is left to measure."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring import LLMRing
from llmring_lockfile import Lockfile, parse
from llmring_providers import HttpProvider
from llmring_providers.transport import HttpRequest, HttpResponse
from samples import SAMPLES

_READ = 16 * 1024
"""Bytes of a body that come at once."""


class MemoryTransport:
    """Answers every request with the same bytes, whole or in pieces."""

    def __init__(self, answer: bytes, stream: bytes) -> None:
        self._answer = answer
        self._reads = [stream[start : start + _READ] for start in range(0, len(stream), _READ)]

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, self._answer)

    async def open(self, request: HttpRequest) -> "MemoryStream":
        return MemoryStream(self._reads)

    async def aclose(self) -> None:
        pass


class MemoryStream:
    """One reading of a stream."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, reads: Sequence[bytes]) -> None:
        self._pieces = iter(reads)

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


def memory_ring(
    name: str = "openai", *, pieces: int = 1, more_aliases: int = 0, more_providers: int = 0, **settings: Any
) -> LLMRing:
    """Return a ring whose alias ``fast`` is the sample's model.

    Args:
        name: whose sample answers.
        pieces: so many in a stream.
        more_aliases: bound besides.
        more_providers: registered besides.
        settings: the ring's own.
    """
    sample = SAMPLES[name]
    ring = LLMRing(lockfile=_lockfile(str(sample.ref), more_aliases), **settings)
    transport = MemoryTransport(sample.answer, sample.stream(pieces))
    for provider in (name, *(f"other{number}" for number in range(more_providers))):
        ring.register_provider(
            provider,
            HttpProvider(
                provider,
                adapter=sample.adapter,
                transport=transport,
                base_url="http://127.0.0.1",
                api_key="k",
            ),
        )
    return ring


def _lockfile(model: str, more: int) -> Lockfile:
    names = ["fast", *(f"alias-{number}" for number in range(more))]
    rows = "\n".join(
        f'[[profiles.default.bindings]]\nalias = "{name}"\nmodels = ["{model}"]' for name in names
    )
    return parse(f'version = "1.0"\ndefault_profile = "default"\n{rows}\n')
