"""The providers of a ring, each built when it is first used."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from copy import copy
from typing import Any, Generic, Protocol, TypeVar

from llmring_lockfile import did_you_mean, near_providers
from llmring_providers import KeySource, Provider, ProviderSettings, find_factory
from llmring_providers.transport import LoopbackOnly, Transport
from llmring_types.exceptions import (
    ConfigurationError,
    LLMRingError,
    ProviderAuthenticationError,
    ProviderNotFoundError,
    UntrustedAddressError,
)
from llmring_types.hosts import HOSTS, host_of
from msgspec import UNSET, UnsetType

from llmring._access import ProviderAccess, check_base_url, kept_keys, provider_access, provider_names
from llmring._settings import known_secrets

T = TypeVar("T")

_OF_THE_RING = frozenset(("name", "transport", "loopback_only"))
LENT_HOSTS: set[str] = set()
"""Hosts in the table that an approved lockfile named, and nothing else: only the rings of such a lockfile know them."""


class _Blocks(Generic[T]):
    """Stand-ins for the providers of every ring in the process, each for the length of a block."""

    def __init__(self) -> None:
        self._open: list[T] = []

    def __iter__(self) -> Iterator[T]:
        return reversed(self._open)

    @contextmanager
    def around(self, each: T) -> Iterator[None]:
        self._open.append(each)
        try:
            yield
        finally:
            self._open.remove(each)

    @property
    def innermost(self) -> T | None:
        return self._open[-1] if self._open else None


_STAND_INS = _Blocks[Provider]()
_BUILDERS = _Blocks[Callable[[ProviderSettings], Provider | None]]()


def stand_in(provider: Provider) -> AbstractContextManager[None]:
    """Answer the calls of every ring by this provider within the block, whoever has made the ring, without any key.

    Objects that a ring was given by ``register_provider`` answer themselves.
    """
    return _STAND_INS.around(provider)


def building(build: Callable[[ProviderSettings], Provider | None]) -> AbstractContextManager[None]:
    """Have the providers of every ring built by this function within the block; ``None`` builds as usual."""
    return _BUILDERS.around(build)


class SdkProvider(Provider, Protocol):
    """A provider with the client of its vendor's SDK."""

    @property
    def client(self) -> Any:
        """The SDK's async client."""


class Providers(Mapping[str, Provider]):
    """Name to provider, as a read-only mapping: those that have what they need, and those registered by hand.

    Args:
        transport: carries the bytes of all of them.
        loopback_only: none of them may send anything beyond this machine.
        max_response_bytes: the limit on the size of an answer; absent takes that of :class:`ProviderSettings`.
    """

    def __init__(
        self, transport: Transport, *, loopback_only: bool, max_response_bytes: int | UnsetType | None = UNSET
    ) -> None:
        self._transport = LoopbackOnly(transport) if loopback_only else transport
        self._loopback_only = loopback_only
        self._limits = {} if max_response_bytes is UNSET else {"max_response_bytes": max_response_bytes}
        self._admitted: set[str] = set()
        kept = kept_keys()
        self._access = {name: provider_access(name, kept=kept) for name in self._names()}
        self.built: dict[str, Provider] = {}
        """Those in use, where calls look first."""
        self.changes = 0
        """Count of providers added, replaced or refused."""
        self._keys: set[str] = set()
        self._refused: dict[str, UntrustedAddressError] = {}

    def __getitem__(self, name: str) -> Provider:
        provider = self.built.get(name)
        if provider is None:
            standing_in = _STAND_INS.innermost
            if standing_in is not None:
                return standing_in
            if name in self._refused:
                raise copy(self._refused[name])
            access = self._access_of(name)
            if access is None or not access.is_complete:
                raise KeyError(name)
            if access.refusal is not None:
                raise copy(access.refusal)
            provider = self.built[name] = self._build(name, access.api_key, access.base_url)
        return provider

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys((*provider_names(), *self._access, *self.built))
        yield from (name for name in names if name in self.built or self._has_access(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def admit(self, names: Iterable[str]) -> None:
        """Let the hosts be used that the ring's lockfile names, which other rings do not know."""
        self._admitted.update(names)

    def refuse(self, refused: Mapping[str, UntrustedAddressError]) -> None:
        """Let these hosts be known, and refuse every call to them: a file that is not approved names them."""
        self._refused.update(refused)
        self.changes += 1

    def known(self) -> frozenset[str]:
        """Names that a reference may begin with, configured or not."""
        return (
            frozenset(self._names())
            | frozenset(self._access)
            | frozenset(self.built)
            | frozenset(self._refused)
        )

    def base_url(self, name: str) -> str | None:
        """Return a provider's address; ``None`` for one that has not been used, or does not say."""
        url = getattr(self.built.get(name), "base_url", None)
        return url if isinstance(url, str) else None

    def secrets(self) -> frozenset[str]:
        """Return the keys that providers were built with, and whatever the environment keeps secret."""
        own = (getattr(provider, "secrets", None) for provider in list(self.built.values()))
        return known_secrets().union(self._keys, *(keys() for keys in own if keys is not None))

    def problem(self, name: str) -> LLMRingError | None:
        """Return why the provider cannot be used, or ``None``."""
        if name in self.built or _STAND_INS.innermost is not None:
            return None
        if name in self._refused:
            return copy(self._refused[name])
        access = self._access_of(name)
        if access is None and self.discover(name):
            access = self._access[name]
        if access is None:
            return self._unknown(name)
        if access.missing is not None:
            return ProviderNotFoundError(
                f"provider {name!r} is not configured: {access.missing}{_or_keep(name, access)}",
                provider=name,
            )
        return copy(access.refusal)

    def register(self, name: str, provider: Provider | None = None, **given: Any) -> Provider:
        """Add or replace a provider: an object of one's own, or one that llmring builds from ``api_key``, ``base_url``.

        Raises:
            ProviderNotFoundError: nobody offers this name.
            ProviderAuthenticationError: it needs a key and none is given or set.
            UntrustedAddressError: nothing must be sent to the address that is set.
            ConfigurationError: there is no such setting, the address cannot be right, or the object is no provider.
        """
        if provider is None:
            _check_settings(name, given)
            if name not in HOSTS and not self.discover(name):
                error = self._unknown(name)
                if given.get("base_url"):
                    error.message += f". For a host of your own: ring.register_host({name!r}, base_url=…)"
                raise error
            if self._is_foreign(name):
                raise self._unknown(name)
            access = provider_access(name)
            addressed = given.get("base_url") and (given.get("api_key") or host_of(name).keyless)
            if access.refusal is not None and not addressed:
                raise copy(access.refusal)
            standing_in = _STAND_INS.innermost
            keyed = given.get("api_key") or given.get("client") is not None or standing_in is not None
            if access.key_in and not keyed:
                raise ProviderAuthenticationError(
                    f"no key given; pass api_key=, set {' or '.join(access.key_in)}{_or_keep(name, access)}",
                    provider=name,
                )
            key = given.pop("api_key", None) or access.api_key
            base_url = given.pop("base_url", None) or access.base_url
            provider = self._build(name, key, base_url, **given) if standing_in is None else standing_in
        elif isinstance(provider, str):
            raise ConfigurationError(
                f"register_provider({name!r}, …) takes a provider, not a text. For a key: api_key=…, for an address: "
                "base_url=…"
            )
        self.built[name] = provider
        self.changes += 1
        return provider

    async def aclose(self) -> None:
        """Close the providers that were built, then the connections: all of them, also where one fails.

        They stay, since those registered by hand cannot be built again; most open what they need when they are used.
        """
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._transport.aclose)
            for provider in reversed(self.built.values()):
                closing.push_async_callback(provider.aclose)

    def discover(self, name: str) -> bool:
        """Look for a provider that an installed package brings; once found it is known.

        Raises:
            ConfigurationError: the package that offers it cannot be loaded.
        """
        if self._is_foreign(name):
            return False
        try:
            find_factory(name)
        except ProviderNotFoundError:
            return False
        self._access[name] = provider_access(name)
        return True

    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in provider_names() if not self._is_foreign(name))

    def _is_foreign(self, name: str) -> bool:
        """Return whether only lockfiles of other rings name the host."""
        return name in LENT_HOSTS and name not in self._admitted

    def _unknown(self, name: str) -> ProviderNotFoundError:
        known = self.known()
        hint = did_you_mean(near_providers(name, known), f"known are {', '.join(sorted(known))}")
        return ProviderNotFoundError(f"there is no provider {name!r}{hint}", provider=name)

    def _access_of(self, name: str) -> ProviderAccess | None:
        """Return what the environment said when the ring was made, or now for a host registered since."""
        if name not in self._access and name in self._names():
            self._access[name] = provider_access(name)
        return self._access.get(name)

    def _has_access(self, name: str) -> bool:
        access = self._access_of(name)
        return access is not None and access.is_complete

    def _build(self, name: str, key: str | KeySource, base_url: str | None, **more: Any) -> Provider:
        if isinstance(key, str):
            self._keys.add(key)
        if base_url is not None and _joins_paths(name):
            check_base_url(f"provider {name!r}", base_url, with_query=host_of(name).cloud is not None)
        settings = ProviderSettings(
            name=name,
            transport=self._transport,
            api_key=key,
            base_url=base_url,
            **self._limits,
            loopback_only=self._loopback_only,
            **more,
        )
        made = (build(settings) for build in _BUILDERS)
        return next(filter(None, made), None) or find_factory(name)(settings)


def _joins_paths(name: str) -> bool:
    """Return whether llmring joins paths to the address: not to a plugin's, nor to Ollama's, which has many forms."""
    return name in HOSTS and HOSTS[name].protocol not in (None, "ollama", "sim", "local")


def _check_settings(name: str, settings: Iterable[str]) -> None:
    known = [field for field in ProviderSettings.__struct_fields__ if field not in _OF_THE_RING]
    unknown = next((each for each in settings if each not in known), None)
    if unknown is not None:
        raise ConfigurationError(
            f"register_provider({name!r}) has no setting {unknown!r}; its settings are {', '.join(known)}"
        )


def _or_keep(name: str, access: ProviderAccess) -> str:
    return f", or run: llmring keys set {name}" if access.key_in and not access.address_in else ""
