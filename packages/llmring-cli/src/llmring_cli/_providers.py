"""The providers that come with llmring, by name."""

from llmring import provider_status
from llmring_types.exceptions import ProviderNotFoundError

SIMULATED = "sim"
"""The provider that answers without a network."""


def known_providers() -> frozenset[str]:
    """Names that make a direct ``provider:model``."""
    return frozenset(row.name for row in provider_status())


def ready_providers() -> list[str]:
    """Names of those that have what they need; whether they answer is not asked here."""
    return [row.name for row in provider_status() if row.configured]


def require_provider(name: str) -> str:
    """Return the name.

    Raises:
        ProviderNotFoundError: there is no such provider.
    """
    known = known_providers()
    if name not in known:
        raise ProviderNotFoundError(f"there is no provider {name!r}; known are {', '.join(sorted(known))}")
    return name
