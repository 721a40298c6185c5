"""Keys that expire: asked for when a call needs one, kept until the host refuses it."""

import inspect
from collections import deque
from collections.abc import Callable, Collection, Mapping

import anyio
import anyio.lowlevel
import anyio.to_thread
from llmring_types.exceptions import LLMRingError, ProviderAuthenticationError

from llmring_providers._settings import KeySource
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport

_REFUSED = (401,)
_REMEMBERED = 8


class LoopLock:
    """A lock for each event loop: what one of them guards may be used in several, one after the other.

    Args:
        name: for the variable that holds it.
    """

    def __init__(self, name: str) -> None:
        self._locks: anyio.lowlevel.RunVar[anyio.Lock] = anyio.lowlevel.RunVar(name)

    def get(self) -> anyio.Lock:
        """Return the lock of the running loop."""
        lock = self._locks.get(None)
        if lock is None:
            lock = anyio.Lock()
            self._locks.set(lock)
        return lock


class ExpiringKey:
    """The key that a function gives: cached until it is refused, and asked for once however many calls wait for it.

    Args:
        source: the function.
        provider: whose key it is, for errors.
    """

    def __init__(self, source: KeySource, provider: str) -> None:
        self._source = source
        self._provider = provider
        self._current = ""
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._lock = LoopLock(f"key of {provider}")

    def __repr__(self) -> str:
        return f"ExpiringKey(provider={self._provider!r})"

    @property
    def seen(self) -> tuple[str, ...]:
        """The last keys, the newest at the end: whatever a host echoes of them is blotted out."""
        return tuple(self._seen)

    async def get(self) -> str:
        """Return the cached key; ask for one where there is none.

        Raises:
            ProviderAuthenticationError: the function failed, or gave no key.
        """
        return self._current or await self.renewed("")

    async def renewed(self, refused: str) -> str:
        """Return a key in place of a refused one; the function is asked unless another call has done so since.

        Raises:
            ProviderAuthenticationError: the function failed, or gave no key.
        """
        async with self._lock.get():
            if self._current == refused:
                self._current = ""
                self._current = await self._ask()
                self._seen.append(self._current)
            return self._current

    async def _ask(self) -> str:
        try:
            if inspect.iscoroutinefunction(self._source):
                key = await self._source()
            else:
                answer = await anyio.to_thread.run_sync(self._source)
                key = await answer if inspect.isawaitable(answer) else answer
        except LLMRingError:
            raise  # it explains more than a wrapper would
        except Exception as error:
            raise ProviderAuthenticationError(
                f"the function that gives the key of {self._provider!r} failed with {type(error).__name__}",
                provider=self._provider,
                original=error,
            ) from error
        if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable():
            raise ProviderAuthenticationError(
                f"the function that gives the key of {self._provider!r} must return one line of ASCII text; "
                f"it returned {'other text' if isinstance(key, str) else type(key).__name__}",
                provider=self._provider,
            )
        return key


class AuthenticatedTransport:
    """Sends requests with an expiring key; one that is refused is renewed, and the request sent again once.

    Args:
        transport: carries the bytes; shared, so it is not closed here.
        key: the key.
        headers: the headers that carry a key.
        refused: the statuses of an expired key.
    """

    def __init__(
        self,
        transport: Transport,
        key: ExpiringKey,
        headers: Callable[[str], Mapping[str, str]],
        refused: Collection[int] = _REFUSED,
    ) -> None:
        self._refused = refused
        self._transport = transport
        self._key = key
        self._headers = headers

    async def send(self, request: HttpRequest) -> HttpResponse:
        used = await self._key.get()
        reply = await self._transport.send(self._with(used, request))
        if reply.status in self._refused:
            renewed = await self._key.renewed(used)
            if renewed != used:
                return await self._transport.send(self._with(renewed, request))
        return reply

    async def open(self, request: HttpRequest) -> ByteStream:
        used = await self._key.get()
        reply = await self._transport.open(self._with(used, request))
        if reply.status in self._refused:
            try:
                renewed = await self._key.renewed(used)
            except BaseException:
                reply.close()
                raise
            if renewed != used:
                reply.close()
                return await self._transport.open(self._with(renewed, request))
        return reply

    async def aclose(self) -> None:
        """Leave the shared transport open."""

    def _with(self, key: str, request: HttpRequest) -> HttpRequest:
        return request._replace(headers={**request.headers, **self._headers(key)})


def authenticated(
    transport: Transport,
    source: KeySource,
    provider: str,
    headers: Callable[[str], Mapping[str, str]],
    refused: Collection[int] = _REFUSED,
) -> tuple[AuthenticatedTransport, ExpiringKey]:
    """Return a transport whose requests carry the key of a function, and that key."""
    key = ExpiringKey(source, provider)
    return AuthenticatedTransport(transport, key, headers, refused), key
