"""The state of every host here: ready for use, or what it lacks."""

from collections.abc import Mapping

import msgspec
from llmring_types.hosts import host_of

from llmring._settings import ENVIRONMENT, provider_access, provider_names, shown_url


class ProviderStatus(msgspec.Struct, frozen=True):
    """State of a provider: ready for use, or what it lacks.

    Attributes:
        name: the first half of references to its models.
        configured: it has what it needs; whether it answers is not asked here.
        needs: the environment variables of which one has to be set, if it is not.
        base_url: where it is spoken to, if not at its own address; without the password that it may have.
    """

    name: str
    configured: bool
    needs: tuple[str, ...] = ()
    base_url: str | None = None


def provider_status(
    environ: Mapping[str, str] = ENVIRONMENT, *, in_use: bool = False
) -> list[ProviderStatus]:
    """Return the state of every provider in the table of hosts. Neither a key nor a password is in it.

    With ``in_use``, hosts of which nothing is set are left out, but for the vendors and those that were registered.
    """
    return [
        ProviderStatus(
            name,
            configured=(access := provider_access(name, environ)).missing is None,
            needs=access.key_in or access.address_in[:1],
            base_url=shown_url(access.base_url),
        )
        for name in provider_names()
        if not in_use or host_of(name).is_shown or _is_set(name, environ)
    ]


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    return any(environ.get(variable, "").strip() for variable in host_of(name).variables)
