"""Access to every host from here: its key and address, and so whether it is ready for use or what it lacks."""

import re
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from llmring_types.exceptions import ConfigurationError, UntrustedAddressError
from llmring_types.hosts import HOSTS, host_of

from llmring._settings import DOTENV_VARIABLE, ENVIRONMENT, first_set, has_kept_keys, shown_url

if TYPE_CHECKING:
    from llmring.keys import KeyStore

_ENDPOINT = re.compile(
    r".*?(/chat/completions|/completions|/responses|/messages|/embeddings|/api/chat|:generateContent)/?"
)
KEPT = "llmring keys"
"""The source of a key that the environment does not have: :mod:`llmring.keys`."""


class ProviderAccess(msgspec.Struct, frozen=True):
    """Settings of one provider in the environment and in the user configuration.

    Attributes:
        api_key: empty where there is none, or where it must not be sent to ``base_url``.
        base_url: ``None`` for the provider's own address.
        key_in: the variables of which one has to be set to its key; empty where it has one, or needs none.
        address_in: the variables that have to be set, all of them, for its address to be known.
        refusal: why nothing must be sent there: an unapproved file names the address (:mod:`llmring.trust`).
        key_from: the variable that holds the key, or ``llmring keys``; ``None`` where there is no key.
        credentials_extra: the extra of llmring that finds the credentials to be used, and its module; ``None`` where
            none are.
    """

    api_key: str = ""
    base_url: str | None = None
    key_in: tuple[str, ...] = ()
    address_in: tuple[str, ...] = ()
    refusal: UntrustedAddressError | None = None
    key_from: str | None = None
    credentials_extra: tuple[str, str] | None = None

    @property
    def is_complete(self) -> bool:
        """True where nothing is missing; asked for every provider of a ring."""
        return not self.key_in and not self.address_in and self.extra is None

    @property
    def extra(self) -> str | None:
        """The extra of llmring that has to be installed, if one has."""
        if self.credentials_extra is None:
            return None
        extra, module = self.credentials_extra
        package, dot, _ = module.rpartition(".")
        spec = find_spec(package or module)
        if dot and spec is not None:  # without an import of the package
            spec = PathFinder.find_spec(module, spec.submodule_search_locations)
        return extra if spec is None else None

    @property
    def missing(self) -> str | None:
        """All that has to be done before it can be used, such as ``set A_KEY or A_TOKEN, and A_ACCOUNT``."""
        variables = ", and ".join(filter(None, (" or ".join(self.key_in), " and ".join(self.address_in))))
        install = f"pip install 'llmring[{self.extra}]'" if self.extra else ""
        return ", and ".join(filter(None, (variables and f"set {variables}", install))) or None

    def __repr__(self) -> str:
        return f"ProviderAccess(key={'set' if self.api_key else 'not set'}, base_url={shown_url(self.base_url)!r})"


def provider_names() -> tuple[str, ...]:
    """Names of the hosts in the table, those that were registered included, that need nothing more installed."""
    return tuple(name for name, host in HOSTS.items() if host.is_installed)


def kept_keys(environ: Mapping[str, str] = ENVIRONMENT) -> "Mapping[str, str] | KeyStore":
    """Return the keys that the user keeps, by provider; most keep none, and then nothing is imported.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    if not has_kept_keys(environ):
        return {}
    from llmring.keys import open_key_store  # noqa: PLC0415 - most have no such file

    return open_key_store(environ)


def provider_access(
    provider: str, environ: Mapping[str, str] = ENVIRONMENT, *, kept: Mapping[str, str] | None = None
) -> ProviderAccess:
    """Return key and base URL of a provider. One that others bring reads ``NAME_API_KEY`` and ``NAME_BASE_URL``.

    Args:
        provider: its name.
        environ: the environment.
        kept: the keys that the user keeps; absent reads them where the environment has none.

    Raises:
        ConfigurationError: the kept keys cannot be read.
    """
    host = host_of(provider)
    key, base_url = first_set(host.key_variables, environ), first_set(host.base_url_variables, environ)
    if key is None and provider in (kept := kept_keys(environ) if kept is None else kept):
        key = (KEPT, kept[provider])
    address_in: tuple[str, ...] = ()
    has_own_address = base_url is not None  # such as a proxy, which takes no credentials of the cloud
    addresses = [base_url] if base_url else []
    if host.url_template is not None and base_url is None:
        url, address_in = host.url_with(environ), host.url_lacks(environ)
        addresses = [(name, url) for name in host.url_sources(environ) if url]
        base_url = addresses[0] if addresses else None
    refusal = None
    if addresses and DOTENV_VARIABLE in environ:
        from llmring.trust import check_address  # noqa: PLC0415 - most folders have no .env file

        refusal = next(
            filter(None, (check_address(each, key and key[0], environ) for each in addresses)), None
        )
    return ProviderAccess(
        api_key=key[1] if key and refusal is None else "",
        base_url=base_url and base_url[1],
        key_in=() if key or host.keyless else host.key_variables,
        address_in=address_in,
        refusal=refusal,
        key_from=key and key[0],
        credentials_extra=None if key or has_own_address else host.credentials_extra,
    )


class ProviderStatus(msgspec.Struct, frozen=True):
    """State of a provider: ready for use, or what it lacks.

    Attributes:
        name: the first half of references to its models.
        configured: it has what it needs; whether it answers is not asked here.
        needs: the environment variables of which one has to be set, if it is not.
        base_url: where it is spoken to, if not at its own address; without the password that it may have.
        key_from: the variable that holds its key, or ``llmring keys``; ``None`` where there is no key.
        missing: all that has to be done before it can be used; ``None`` where it can.
    """

    name: str
    configured: bool
    needs: tuple[str, ...] = ()
    base_url: str | None = None
    key_from: str | None = None
    missing: str | None = None


def provider_status(
    environ: Mapping[str, str] = ENVIRONMENT, *, in_use: bool = False, installed: bool = True
) -> list[ProviderStatus]:
    """Return the state of every provider: of the table of hosts, then of installed packages. No key is in it.

    With ``in_use``, hosts of which nothing is set are left out, but for the vendors and those that were registered or
    installed. Without ``installed``, packages are not looked for, which takes a while.
    """
    kept, names = kept_keys(environ), provider_names()
    brought: list[str] = []
    if installed:
        from llmring_providers import installed_providers  # noqa: PLC0415 - not needed to make a ring

        brought = sorted(installed_providers() - HOSTS.keys())
    return [
        ProviderStatus(
            name,
            configured=(access := provider_access(name, environ, kept=kept)).is_complete,
            needs=access.key_in or access.address_in[:1],
            base_url=shown_url(access.base_url),
            key_from=access.key_from,
            missing=access.missing,
        )
        for name in (*names, *brought)
        if not in_use or host_of(name).is_shown or name in brought or name in kept or _is_set(name, environ)
    ]


def _is_set(name: str, environ: Mapping[str, str]) -> bool:
    return any(environ.get(variable, "").strip() for variable in host_of(name).variables)


def check_base_url(whose: str, url: object, *, with_key: bool = True, with_query: bool = False) -> None:
    """Refuse an address to which no path of a protocol can be joined. Some proxies take it behind ``?url=…``.

    Args:
        whose: names the owner in errors, such as ``host 'lab'``.
        url: the base URL.
        with_key: it may hold a user and a password.
        with_query: it may end with a query, as those of Azure's deployments do.

    Raises:
        ConfigurationError: what is wrong, and how it is right.
    """
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        reachable = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
        reachable = reachable and parts is not None and parts.port != 0
    except ValueError:
        parts, reachable = None, False
    text = str(url)
    if parts is None or not reachable or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{whose}: the base URL must begin with http:// or https:// and name a host")
    if not with_key and (parts.username is not None or parts.password is not None):
        raise ConfigurationError(f"{whose}: the base URL must hold no key; name its variable as key_env")
    if parts.fragment or (parts.query and not with_query and not parts.query.endswith("=")):
        raise ConfigurationError(
            f"{whose}: the base URL must end with its path, without '?' (such as ?api-version=) or '#'"
        )
    endpoint = _ENDPOINT.fullmatch(parts.path)
    if endpoint is not None:
        raise ConfigurationError(
            f"{whose}: leave {endpoint[1]} away; the base URL ends before it, since llmring adds it"
        )
