"""The registry as reviews see it: current, or at hand, and never silent about what could not be asked."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from llmring import ModelFacts, ModelRef, open_registry
from llmring.registry import Registry
from llmring_types.exceptions import RegistryError, RegistryNotFoundError

from llmring_cli._parameters import Flag

if TYPE_CHECKING:
    from llmring_lockfile import Lockfile, RegistryRelease

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

    def release(self, provider: str) -> "RegistryRelease":
        """Return which version of the registry speaks of a provider."""
        from llmring_lockfile import RegistryRelease  # noqa: PLC0415 - it brings what reviews lockfiles

        publication = self.registry.publication(provider)
        if publication is None:
            return RegistryRelease()
        return RegistryRelease(publication.version, publication.digest)


def known_models(providers: Iterable[str], *, url: str | None, offline: bool) -> KnownModels:
    """Return what the registry says of these providers, asked now unless ``offline`` or asked within the last day."""
    from llmring_lockfile import UNLISTED_PROVIDERS  # noqa: PLC0415 - it brings what reviews lockfiles

    registry = open_registry(url)
    asked = [] if offline else sorted(set(providers) - UNLISTED_PROVIDERS)
    outcomes = _refresh(registry, asked) if asked else {}
    failures = {
        name: error
        for name, error in outcomes.items()
        if error is not None and not (isinstance(error, RegistryNotFoundError) and _unlisted(registry, name))
    }
    return KnownModels(registry, failures)


def _unlisted(registry: Registry, provider: str) -> bool:
    """Tell a provider that no registry lists from an address at which there is no registry."""
    return registry.publication(provider) is None


def _refresh(registry: Registry, providers: list[str]) -> dict[str, RegistryError | None]:
    import asyncio  # noqa: PLC0415 - as the transports, only for those who ask over the network

    from llmring_cli._refresh import refresh  # noqa: PLC0415

    return asyncio.run(refresh(registry, providers))


def pool_providers(lockfile: "Lockfile") -> set[str]:
    """The providers of all pools."""
    return {
        ref.provider
        for profile in lockfile.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    }
