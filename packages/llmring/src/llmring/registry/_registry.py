"""Facts about each model, in memory: the part of the registry on the request path.

The first question about a provider reads its models: from a ``file://`` registry, from the cached copy of one that was
refreshed, else from the snapshot in the package. From then on a question is a dictionary look-up. Nothing
here waits for a network, and no question fails for lack of a registry.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from llmring_types import ModelFacts
from llmring_types.exceptions import RegistryValidationError

from llmring.registry import _snapshot
from llmring.registry._cache import RegistryCache
from llmring.registry._location import DEFAULT_URL, Location, document_path, is_provider_name
from llmring.registry._models import Origin, ProviderModels
from llmring.registry._snapshot import Correction
from llmring.registry._wire import Publication, decode


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The origin and the age of a provider's facts.

    Attributes:
        provider: whose facts.
        version: the version of the published document; ``None`` where there is none.
        updated_at: when it was published, as the publisher wrote it.
        url: its address.
        origin: ``registry`` (fetched by this process, or read from a ``file://`` one), ``cache`` or ``snapshot``.
        checked_at: when the registry last confirmed it, in seconds since 1970; ``None`` for the snapshot.
        age_days: days since ``updated_at``, a time without a zone taken as UTC; infinite where it has no date.
        problem: why a better origin was not used.
    """

    provider: str
    version: int | None
    updated_at: str | None
    url: str
    origin: Origin
    checked_at: float | None
    age_days: float
    problem: str | None = None

    @property
    def from_cache(self) -> bool:
        """True unless this process has it from the registry itself."""
        return self.origin != "registry"

    @property
    def age(self) -> timedelta | None:
        """The age, ``None`` where it is not known."""
        return timedelta(days=self.age_days) if math.isfinite(self.age_days) else None


class Registry:
    """Facts about models.

    Args:
        url: the registry's address (``https://``, ``http://`` on this machine, ``file://``); ``None`` is the
            public one.
        cache_dir: folder for fetched documents, see :func:`default_cache_dir`; ``None`` keeps them in memory.

    Raises:
        ValidationError: the address is not allowed (also a ``ValueError``).
    """

    def __init__(self, url: str | None = None, *, cache_dir: Path | None = None) -> None:
        self.location = Location.parse(url)
        self.cache = RegistryCache(cache_dir, self.location)
        self.changes = 0
        """Count of replacements: what was asked before the last of them may have another answer now."""
        self._providers: dict[str, ProviderModels] = {}

    def facts(self, provider: str, model: str) -> ModelFacts | None:
        """Return what is known of a model, ``None`` if nothing is.

        Aliases, dated snapshots, ``-latest`` and Google's ``models/`` are understood; :attr:`ModelFacts.model` then is
        the entry's name. Prices that the registry lacks come from genai-prices, then from the host's own list of
        models (:meth:`keep_listing`); ``prices.source`` says so. Known errors are corrected, see :meth:`corrections`.
        """
        return self._models_of(provider).find(model)

    def published(self, provider: str, model: str) -> ModelFacts | None:
        """Return the registry's own entry for a model, ``None`` where it publishes none: reviews are about that.

        Unlike :meth:`facts` it does not take a model that only the price list knows for one that is listed.
        """
        return self._models_of(provider).published(model)

    def models(self, provider: str) -> tuple[ModelFacts, ...]:
        """Return every model that the registry publishes for a provider, retired ones included."""
        return self._models_of(provider).models

    def corrections(self, provider: str, model: str) -> tuple[Correction, ...]:
        """Return what is known to be wrong in the registry's entry for a model; its facts are corrected by it."""
        found = self._models_of(provider)
        facts = found.find(model)
        return () if facts is None else found.corrections.get(facts.model, ())

    def publication(self, provider: str) -> Publication | None:
        """Return the document behind the facts, nothing filled in or corrected; ``None`` where there is none."""
        return self._models_of(provider).publication

    def source_info(self, provider: str, *, now: datetime | None = None) -> SourceInfo:
        """Return the origin of the facts, and their age at ``now``. Nothing is fetched.

        Raises:
            ValidationError: no provider has such a name.
        """
        found = self._models_of(provider)
        location = Location(DEFAULT_URL) if found.origin == "snapshot" else self.location
        updated_at = found.publication.updated_at if found.publication is not None else None
        return SourceInfo(
            provider=provider,
            version=found.publication.version if found.publication is not None else None,
            updated_at=updated_at,
            url=location.document(provider),
            origin=found.origin,
            checked_at=found.checked_at,
            age_days=_age_days(updated_at, now or datetime.now(UTC)),
            problem=found.problem,
        )

    def keep_listing(self, provider: str, address: str | None, models: Iterable[ModelFacts]) -> bool:
        """Keep what a host's own list of models states, in the cache folder, for thirty days.

        Args:
            provider: the host.
            address: the base URL that was asked; ``None`` is the host's own, and no other counts.
            models: the whole list.

        Returns:
            Whether it states anything besides names, and could be written.
        """
        from llmring.registry._listings import Listings  # noqa: PLC0415 - most processes list nothing

        kept = Listings(self.cache.folder).store(provider, address, models)
        if kept and provider in self._providers:
            self._providers[provider].relist()
            self.changes += 1
        return kept

    def adopt(self, publication: Publication, *, origin: Origin, checked_at: float) -> None:
        """Answer from this document from now on."""
        self._providers[publication.provider] = ProviderModels(
            publication.provider,
            publication,
            origin,
            checked_at=checked_at,
            listing=partial(self._listed, publication.provider),
        )
        self.changes += 1

    def _listed(self, provider: str) -> Mapping[str, ModelFacts]:
        from llmring.registry._listings import Listings  # noqa: PLC0415 - the other sources know most models

        return Listings(self.cache.folder).load(provider)

    def _models_of(self, provider: str) -> ProviderModels:
        return self._providers.get(provider) or self._load(provider)

    def _load(self, provider: str) -> ProviderModels:
        found, problem = None, None
        if is_provider_name(provider):
            try:
                found = self._from_folder(provider) or self._from_cache(provider)
            except (OSError, RegistryValidationError) as error:
                problem = str(error)
        if found is None:
            listing = partial(self._listed, provider)
            found = ProviderModels(
                provider, _snapshot.publication(provider), "snapshot", problem=problem, listing=listing
            )
        self._providers[provider] = found
        return found

    def _from_folder(self, provider: str) -> ProviderModels | None:
        folder = self.location.folder
        if folder is None:
            return None
        path = folder / document_path(provider)
        if not path.exists():
            return None
        if not path.is_file():
            raise RegistryValidationError(f"{self.location.document(provider)} is not a file")
        publication = decode(path.read_bytes(), provider, where=self.location.document(provider))
        return ProviderModels(provider, publication, "registry", listing=partial(self._listed, provider))

    def _from_cache(self, provider: str) -> ProviderModels | None:
        copy = self.cache.load(provider)
        if copy is None:
            return None
        publication = decode(copy.document, provider, where=f"the cached copy of {copy.url}")
        # A newer package may ship what an older one had to fetch.
        if self.location.base == DEFAULT_URL and publication.version < _snapshot.version(provider):
            return None
        listing = partial(self._listed, provider)
        return ProviderModels(provider, publication, "cache", checked_at=copy.checked_at, listing=listing)


def _age_days(updated_at: str | None, now: datetime) -> float:
    try:
        published = datetime.fromisoformat(updated_at or "")
    except ValueError:
        return math.inf
    if published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return max((now - published).total_seconds() / 86400, 0.0)
