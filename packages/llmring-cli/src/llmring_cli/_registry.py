"""The registry as reviews see it: current, or at hand, and never silent about what could not be asked."""

import asyncio
from collections.abc import Iterable
from typing import Annotated

from cyclopts import Parameter
from llmring import ModelFacts, ModelRef, open_registry
from llmring.registry import Registry
from llmring_lockfile import UNLISTED_PROVIDERS, Lockfile, RegistryRelease
from llmring_types.exceptions import RegistryConnectionError, RegistryError, RegistryNotFoundError

from llmring_cli._parameters import Flag

PATIENCE_S = 20.0
"""How long a registry may take."""

Offline = Annotated[
    Flag, Parameter(name="--offline", help="Judge by what is at hand, without asking the registry.")
]
RegistryUrl = Annotated[
    str | None,
    Parameter(
        name="--registry",
        help="The registry's address; LLMRING_REGISTRY_URL or the public one when left out.",
    ),
]


class KnownModels:
    """What the registry says of the models of some providers.

    Args:
        registry: answers.
        failures: providers of which it cannot say anything now.
    """

    def __init__(self, registry: Registry, failures: dict[str, RegistryError]) -> None:
        self.registry = registry
        self.failures = failures

    def facts(self, ref: ModelRef) -> ModelFacts | None:
        """Return the registry's entry, ``None`` where it lists none.

        Raises:
            RegistryError: it cannot be asked.
        """
        failure = self.failures.get(ref.provider)
        if failure is not None:
            raise failure
        return self.registry.published(ref.provider, ref.model)

    def release(self, provider: str) -> RegistryRelease:
        """Return which version of the registry speaks of a provider."""
        publication = self.registry.publication(provider)
        if publication is None:
            return RegistryRelease()
        return RegistryRelease(publication.version, publication.digest)


async def known_models(providers: Iterable[str], *, url: str | None, offline: bool) -> KnownModels:
    """Return what the registry says of these providers, asked now unless ``offline`` or asked within the last day."""
    registry = open_registry(url)
    asked = [] if offline else sorted(set(providers) - UNLISTED_PROVIDERS)
    outcomes = await refresh(registry, asked)
    failures = {
        name: error
        for name, error in outcomes.items()
        if error is not None and not isinstance(error, RegistryNotFoundError)
    }
    return KnownModels(registry, failures)


async def refresh(
    registry: Registry, providers: Iterable[str], *, force: bool = False
) -> dict[str, RegistryError | None]:
    """Ask the registry about these providers, all at once; the error of each, if there was one."""
    names = list(providers)
    if not names:
        return {}
    from llmring.registry import RegistryClient  # noqa: PLC0415 - it brings the transports
    from llmring_providers.transport import AutoTransport  # noqa: PLC0415

    transport = AutoTransport(trust_env=True)
    client = RegistryClient(registry, transport)

    async def one(provider: str) -> RegistryError | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await client.refresh(provider, force=force)
        except TimeoutError:
            return RegistryConnectionError(
                f"{registry.location.document(provider)} did not answer within {PATIENCE_S:g} s"
            )
        except RegistryError as error:
            return error
        return None

    try:
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    finally:
        await transport.aclose()


def pool_providers(lockfile: Lockfile) -> set[str]:
    """The providers of all pools."""
    return {
        ref.provider
        for profile in lockfile.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    }
