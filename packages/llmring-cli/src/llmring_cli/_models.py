"""Providers and models as this machine and the registry know them, and the options that choose among them."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring import ModelFacts, ModelRef, open_registry, provider_access, provider_status
from llmring_types.exceptions import (
    ProviderNotFoundError,
    RegistryConnectionError,
    RegistryError,
    RegistryNotFoundError,
)
from llmring_types.hosts import HOSTS

from llmring_cli._environment import REFUSED_HOSTS
from llmring_cli._parameters import Flag
from llmring_cli._retired import retired_facts

if TYPE_CHECKING:
    from llmring.registry import Registry
    from llmring_lockfile import Lockfile, RegistryRelease

SIMULATED = "sim"
"""The provider that answers without a network."""
_COMMON = frozenset(
    ("json_mode", "parallel_tool_calls", "streaming", "system_message", "temperature", "tool_choice")
)
"""Capabilities that most models have, and by which nobody chooses one."""
_THIS_MACHINE = frozenset(("localhost", "127.0.0.1", "::1"))
_LISTENING_SECONDS = 0.5
"""Time limit for a connection to this machine."""
_REGISTRY_SECONDS = 20.0
"""Time limit for an answer of the registry."""

Offline = Annotated[
    Flag, Parameter(name="--offline", help="Use the local data; make no request to the registry.")
]
RegistryUrl = Annotated[
    str | None,
    Parameter(
        name="--registry",
        help="The registry's address. Default: LLMRING_REGISTRY_URL, else the public registry.",
    ),
]


class _KnownProviders(AbstractSet[str]):
    """Names of providers; what packages bring is looked up where a name is not in the table, for that is slow."""

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name in HOSTS:
            return HOSTS[name].is_installed
        return name in REFUSED_HOSTS or name in self._installed()

    def __iter__(self) -> Iterator[str]:
        return iter(
            {name for name, host in HOSTS.items() if host.is_installed} | {*REFUSED_HOSTS, *self._installed()}
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @staticmethod
    def _installed() -> frozenset[str]:
        from llmring_providers import installed_providers  # noqa: PLC0415 - as above

        return installed_providers()


def known_providers() -> AbstractSet[str]:
    """Return the names that can begin a direct ``provider:model``, those that are refused included."""
    return _KnownProviders()


def ready_providers() -> list[str]:
    """Return the hosts in use that have a key or need none. No request is made."""
    return [row.name for row in provider_status(in_use=True, installed=False) if row.configured]


def is_listening(name: str) -> bool | None:
    """Return whether something listens at the address of a provider on this machine; ``None`` for any other.

    A connection is opened and closed; nothing is sent.
    """
    import socket  # noqa: PLC0415 - few commands show providers
    from urllib.parse import urlsplit  # noqa: PLC0415

    if name not in HOSTS or not HOSTS[name].local or name == SIMULATED:
        return None
    address = urlsplit(provider_access(name).base_url or HOSTS[name].default_url or "")
    try:
        host, port = address.hostname, address.port or {"http": 80, "https": 443}[address.scheme]
    except (KeyError, ValueError):  # such as a port that is none; requests report it
        return None
    if host not in _THIS_MACHINE:
        return None
    try:
        with socket.create_connection((host, port), timeout=_LISTENING_SECONDS):
            return True
    except OSError:
        return False


def require_provider(name: str) -> str:
    """Return the name.

    Raises:
        ProviderNotFoundError: there is no such provider.
        UntrustedAddressError: a lockfile that is not approved names it.
    """
    if name in REFUSED_HOSTS:
        raise copy(REFUSED_HOSTS[name])
    known = known_providers()
    if name not in known:
        from llmring_lockfile import did_you_mean, near_providers  # noqa: PLC0415 - most names are right

        hint = did_you_mean(near_providers(name, known), "to list them: llmring hosts")
        raise ProviderNotFoundError(f"there is no provider {name!r}{hint}")
    return name


class KnownModels:
    """The registry's entries for the models of some providers.

    Args:
        registry: the source.
        failures: the error for each provider that could not be looked up.
    """

    def __init__(self, registry: "Registry", failures: dict[str, RegistryError]) -> None:
        self.registry = registry
        self.failures = failures

    def facts(self, ref: ModelRef) -> ModelFacts | None:
        """Return the registry's entry; a model that it no longer lists may be known as retired.

        Raises:
            RegistryError: it cannot be asked.
        """
        failure = self.failures.get(ref.provider)
        if failure is not None:
            raise failure
        return self.registry.published(ref.provider, ref.model) or retired_facts(ref.provider, ref.model)

    def priced(self, ref: ModelRef) -> ModelFacts | None:
        """Return all that is known of a model here, prices of other sources included; no request is made."""
        return self.registry.facts(ref.provider, ref.model)

    def release(self, provider: str) -> "RegistryRelease":
        """Return the registry version of a provider's document."""
        from llmring_lockfile import RegistryRelease  # noqa: PLC0415 - it brings what reviews lockfiles

        publication = self.registry.publication(provider)
        if publication is None:
            return RegistryRelease()
        return RegistryRelease(publication.version, publication.digest)


def known_models(
    providers: Iterable[str], *, url: str | None, offline: bool, allow_older: bool = False
) -> KnownModels:
    """Look up these providers: over the network, unless ``offline`` or done within the last day.

    Args:
        providers: whose models.
        url: of the registry; ``None`` is that of the environment.
        offline: use the local data.
        allow_older: take documents that are older than those known.
    """
    from llmring_lockfile import UNLISTED_PROVIDERS  # noqa: PLC0415 - it brings what reviews lockfiles

    registry = open_registry(url)
    asked = [] if offline else sorted(set(providers) - UNLISTED_PROVIDERS - REFUSED_HOSTS.keys())
    outcomes = _refresh(registry, asked, allow_older=allow_older) if asked else {}
    failures = {
        name: error
        for name, error in outcomes.items()
        if error is not None and not (isinstance(error, RegistryNotFoundError) and _unlisted(registry, name))
    }
    return KnownModels(registry, failures)


def _unlisted(registry: "Registry", provider: str) -> bool:
    """Distinguish a provider that no registry lists from an address without a registry."""
    return registry.publication(provider) is None


def _refresh(
    registry: "Registry", providers: list[str], *, allow_older: bool
) -> dict[str, RegistryError | None]:
    import asyncio  # noqa: PLC0415 - as the transports, only to ask over the network

    from llmring_cli._waiting import waiting  # noqa: PLC0415 - as above

    with waiting("asking the registry"):
        return asyncio.run(refresh(registry, providers, allow_older=allow_older))


def pool_providers(lockfile: "Lockfile") -> set[str]:
    """The providers of all pools."""
    return {
        ref.provider
        for profile in lockfile.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    }


def capabilities(facts: ModelFacts) -> list[str]:
    """Return the capabilities that the model is known to have."""
    return [name for name in facts.capabilities if name not in _COMMON]


def facts_json(facts: ModelFacts) -> dict[str, Any]:
    """Return the facts as JSON values. Prices are US dollars per million tokens; ``None`` means unknown, never no."""
    prices = {
        name: value for name, value in msgspec.structs.asdict(facts.prices).items() if value is not None
    }
    return {
        "model": f"{facts.provider}:{facts.model}",
        "name": facts.display_name,
        "aliases": list(facts.aliases),
        "context_window": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
        "prices": {
            name: float(value) if isinstance(value, Decimal) else value for name, value in prices.items()
        },
        "capabilities": capabilities(facts),
        "active": facts.active,
        "retires_on": facts.retires_on,
    }


def tokens_text(count: int | None) -> str:
    """Return a number of tokens for people."""
    return "?" if count is None else f"{count:,}"


def price_text(price: Decimal | None) -> str:
    """Return US dollars per million tokens for people, to the cent or as exact as the price is."""
    if price is None:
        return "?"
    exact = f"{price.normalize():f}"
    return exact if len(exact.partition(".")[2]) > 2 else f"{price:.2f}"  # noqa: PLR2004 - cents


async def refresh(
    registry: "Registry", providers: Iterable[str], *, force: bool = False, allow_older: bool = False
) -> dict[str, RegistryError | None]:
    """Fetch the documents of these providers concurrently; return the error of each, or ``None``."""
    import asyncio  # noqa: PLC0415 - as above

    from llmring.registry import RegistryClient  # noqa: PLC0415
    from llmring_providers.transport import AutoTransport  # noqa: PLC0415

    from llmring_cli._output import report_logs  # noqa: PLC0415

    report_logs()
    names = list(providers)
    transport = AutoTransport(trust_env=True)
    client = RegistryClient(registry, transport)

    async def one(provider: str) -> RegistryError | None:
        try:
            async with asyncio.timeout(_REGISTRY_SECONDS):
                await client.refresh(provider, force=force, allow_older=allow_older)
        except TimeoutError:
            return RegistryConnectionError(
                f"{registry.location.document(provider)} did not answer within {_REGISTRY_SECONDS:g} s"
            )
        except RegistryError as error:
            return error
        return None

    try:
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    finally:
        await transport.aclose()
