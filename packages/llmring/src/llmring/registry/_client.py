"""Talking to a registry: refreshing, archived versions and freshness. Never on the request path.

No call here limits its own time: the caller cancels it when it takes too long.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from llmring_providers.transport import HttpRequest, HttpResponse, TransportError
from llmring_types.exceptions import (
    RegistryConnectionError,
    RegistryError,
    RegistryNotFoundError,
    RegistryStaleError,
    RegistryValidationError,
)

from llmring.registry import _snapshot
from llmring.registry._cache import CachedCopy
from llmring.registry._location import DEFAULT_URL, document_path
from llmring.registry._registry import Registry, SourceInfo
from llmring.registry._wire import Drift, Publication, compare, decode

DAY = 86_400.0
_OK, _NOT_MODIFIED, _MISSING = 200, 304, (404, 410)


class Sender(Protocol):
    """The part of a :class:`llmring_providers.transport.Transport` that is needed."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send the request and read the whole answer, whatever its status.

        Raises:
            TransportError: there is no whole answer.
        """


class _Failure(NamedTuple):
    kind: type[RegistryError]
    message: str
    until: float


class RegistryClient:
    """Keeps a :class:`Registry` up to date.

    Args:
        registry: what is kept up to date; its address and cache are used.
        transport: sends the requests; not used for a ``file://`` registry.
        ttl: seconds for which a fetched document counts as current.
        retry_after: seconds for which a registry that failed is left alone.
        now: the clock, in seconds since 1970.
    """

    def __init__(
        self,
        registry: Registry,
        transport: Sender,
        *,
        ttl: float = DAY,
        retry_after: float = 300.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.registry = registry
        self._transport = transport
        self._ttl = ttl
        self._retry_after = retry_after
        self._now = now
        self._failures: dict[str, _Failure] = {}

    async def refresh(self, provider: str, *, force: bool = False, allow_older: bool = False) -> Publication:
        """Make sure that the registry's facts about a provider are current, and return the document behind them.

        A copy younger than the limit is enough, and a registry that failed a moment ago is not asked again, unless
        ``force`` is set. The registry is asked only whether its document has changed where there is a copy.

        Args:
            provider: whose facts.
            force: ask also where the copy is young.
            allow_older: take a document that is older than the copy, or than the one that ships with the package.

        Raises:
            RegistryStaleError: the registry went back in time, and that is not allowed.
            RegistryConnectionError: the registry cannot be reached. What was known before stays in use.
            RegistryNotFoundError: it publishes nothing about this provider.
            RegistryValidationError: what it publishes is not a registry document.
        """
        if not force:
            current = self._current(provider)
            if current is not None:
                return current
            self._raise_known_failure(provider)
        try:
            publication, checked_at = await self._fetch_current(provider, allow_older=allow_older)
        except RegistryError as error:
            until = self._now() + self._retry_after
            self._failures[provider] = _Failure(type(error), error.message, until)
            raise
        self._failures.pop(provider, None)
        self.registry.adopt(publication, origin="registry", checked_at=checked_at)
        return publication

    async def fetch_version(self, provider: str, version: int) -> Publication:
        """Return an archived version. Archives never change, so a copy of one is good for ever.

        Raises:
            RegistryNotFoundError: this version was not published; the current one never stands in for it.
            RegistryConnectionError: the registry cannot be reached and there is no copy.
            RegistryValidationError: what it publishes is not this version.
        """
        url = self.registry.location.document(provider, version)
        cached = self._cached(provider, version)
        if cached is not None:
            return cached[1]
        folder = self.registry.location.folder
        if folder is not None:
            return _archived(_read(folder / document_path(provider, version), url), provider, version, url)
        copy = await self._fetch(url, None)
        publication = _archived(copy.document, provider, version, url)
        self.registry.cache.store(provider, copy, version)
        return publication

    async def source_info(self, provider: str, *, force_refresh: bool = False) -> SourceInfo:
        """Return the origin of a provider's facts; ask the registry first if ``force_refresh`` is set.

        Raises:
            RegistryError: as :meth:`refresh`, if it was asked.
        """
        if force_refresh:
            await self.refresh(provider, force=True)
        return self.registry.source_info(provider, now=datetime.fromtimestamp(self._now(), UTC))

    async def assert_fresh(
        self, provider: str, max_age_days: float, *, force_refresh: bool = True
    ) -> SourceInfo:
        """Raise if the registry published its facts about a provider longer ago than allowed.

        The registry itself is asked, since a young copy may be a version behind; one that cannot be reached cannot
        vouch for anything, so its copy does not pass. Without ``force_refresh`` the cached copy is judged.

        Raises:
            RegistryStaleError: the document is too old, or has no date.
            RegistryError: as :meth:`refresh`.
        """
        info = await self.source_info(provider, force_refresh=force_refresh)
        if info.age_days > max_age_days:
            raise RegistryStaleError(
                f"the registry's data on {provider} ({info.url}, version {info.version}) was published "
                f"{f'{info.age_days:.1f} days ago' if info.updated_at else 'at an unknown time'}; "
                f"at most {max_age_days} days are allowed",
                provider=provider,
                updated_at=info.updated_at,
                age_days=info.age_days,
            )
        return info

    async def check_drift(self, provider: str, pinned_version: int) -> Drift:
        """Compare a pinned version with the current one.

        Raises:
            RegistryError: as :meth:`refresh` and :meth:`fetch_version`.
        """
        current = await self.refresh(provider)
        pinned = current
        if pinned_version != current.version:
            pinned = await self.fetch_version(provider, pinned_version)
        return compare(pinned, current)

    def _cached(self, provider: str, version: int | None = None) -> tuple[CachedCopy, Publication] | None:
        """Return the copy of a document and its content; ``None`` where it cannot be read."""
        copy = self.registry.cache.load(provider, version)
        if copy is None:
            return None
        try:
            return copy, decode(copy.document, provider, where=copy.url)
        except RegistryValidationError:
            return None

    def _current(self, provider: str) -> Publication | None:
        """Return the cached document if it is young enough, and let the registry answer from it."""
        cached = self._cached(provider)
        if cached is None or not 0 <= self._now() - cached[0].checked_at < self._ttl:
            return None
        copy, publication = cached
        if self.registry.source_info(provider).checked_at != copy.checked_at:
            self.registry.adopt(publication, origin="cache", checked_at=copy.checked_at)
        return publication

    def _raise_known_failure(self, provider: str) -> None:
        failure = self._failures.get(provider)
        if failure is None:
            return
        left = failure.until - self._now()
        if left > 0:
            raise failure.kind(f"{failure.message} (not asked again for {left:.0f} s)")

    async def _fetch_current(self, provider: str, *, allow_older: bool) -> tuple[Publication, float]:
        url, checked_at = self.registry.location.document(provider), self._now()
        folder = self.registry.location.folder
        if folder is not None:
            return decode(_read(folder / document_path(provider), url), provider, where=url), checked_at
        cached = self._cached(provider)
        copy = await self._fetch(url, cached[0] if cached is not None else None)
        publication = decode(copy.document, provider, where=url)
        known = 0 if cached is None else cached[1].version
        if self.registry.location.base == DEFAULT_URL:
            known = max(known, _snapshot.version(provider))
        if publication.version < known and not allow_older:
            raise RegistryStaleError(
                f"the registry went back in time: {url} is version {publication.version}, and version {known} is known. "
                f"What is known stays in use",
                provider=provider,
                updated_at=publication.updated_at,
            )
        self.registry.cache.store(provider, copy)
        return publication, copy.checked_at

    async def _fetch(self, url: str, known: CachedCopy | None) -> CachedCopy:
        """Fetch a document, or learn that the known copy of it is still the same."""
        headers = {"accept": "application/json"}
        if known is not None and known.etag:
            headers["if-none-match"] = known.etag
        if known is not None and known.last_modified:
            headers["if-modified-since"] = known.last_modified
        try:
            answer = await self._transport.send(HttpRequest("GET", url, headers))
        except TransportError as error:
            raise RegistryConnectionError(f"cannot fetch {url}: {error}") from error
        now = self._now()
        if answer.status == _NOT_MODIFIED and known is not None:
            return msgspec.structs.replace(known, checked_at=now)
        if answer.status in _MISSING:
            raise RegistryNotFoundError(f"the registry does not publish {url} ({answer.status})")
        if answer.status != _OK:
            raise RegistryConnectionError(f"cannot fetch {url}: the registry answered {answer.status}")
        return CachedCopy(
            url=url,
            fetched_at=now,
            checked_at=now,
            etag=answer.headers.get("etag"),
            last_modified=answer.headers.get("last-modified"),
            document=msgspec.Raw(answer.body),
        )


def _archived(data: bytes | msgspec.Raw, provider: str, version: int, url: str) -> Publication:
    publication = decode(data, provider, where=url)
    if publication.version != version:
        raise RegistryValidationError(f"{url} says that it is version {publication.version}")
    return publication


def _read(path: Path, url: str) -> bytes:
    try:
        if not path.exists():
            raise RegistryNotFoundError(f"there is no {url}")
        if not path.is_file():
            raise RegistryConnectionError(f"cannot read {url}: it is not a file")
        return path.read_bytes()
    except OSError as error:
        raise RegistryConnectionError(f"cannot read {url}: {error.strerror}") from error
