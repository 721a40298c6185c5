"""The table of hosts: one row per provider, from which every list, setting, price, log record and span derives.

A host is an address that speaks one of the protocols that llmring knows. The part of a model reference before its first
colon is the name of a row. :data:`HOSTS` has the rows that come with llmring and those that :func:`register` adds while
the program runs; read it at the time of the call, never copy it at import.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

import msgspec

from llmring_types._quirks import Quirks
from llmring_types.exceptions import ConfigurationError

__all__ = ["HOSTS", "Host", "HostNames", "Protocol", "Quirks", "host_of", "register", "unregister"]

Protocol = Literal["openai", "responses", "anthropic", "gemini", "ollama", "bedrock", "sim", "local"]
"""The wire protocols, each named after the host that defined it; ``responses`` is OpenAI's newer one, which ``openai``
speaks too where a model needs it, ``bedrock`` Amazon's Converse. ``sim`` stays within the process; ``local`` is
OpenAI's, to a server that the process starts. Neither of these has an address."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_UNRANKED = 1000
_DATA = Path(__file__).parent / "data" / "hosts.json"
_PLACEHOLDER = re.compile(r"\{(\w+(?:\|\w+)*)\}")
_ADDRESS_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VENDORS = frozenset({"openai", "anthropic", "google", "ollama", "sim", "local"})


class Host(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row: everything about a host that is not its protocol.

    Attributes:
        name: the part of a model reference before the colon; lower case.
        title: the name for people.
        protocol: ``None`` for a provider that another package brings by an entry point.
        key_variables: environment variables that may hold the key; the first one set wins.
        base_url_variables: environment variables that may hold the base URL; the first one set wins.
        default_url: the base URL where nothing else names one.
        url_template: the base URL of a host whose addresses are those of accounts: ``{NAME}`` stands for the value of
            an environment variable, ``{ONE|OTHER}`` for that of the first one set.
        models_path: where it lists its models, relative to the base URL; ``None`` where it lists none.
        quirks: where it deviates from its protocol; ``None`` where it does not.
        embeddings: the vendor whose form its embeddings and its reranking have; ``None`` where that of the protocol is.
        cloud: the form that a cloud gives to the protocol: its paths, and its way to carry a key.
        needs_modules: modules of an extra without which it cannot be used; lists show it where they are installed.
        credentials_extra: the extra of llmring that finds a person's credentials where no key is set, and its module.
        keyless: usable without a key.
        local: runs on the user's machine, so nobody bills its tokens.
        listed: the registry publishes its models.
        price_list: the file of the genai-prices project that has its prices.
        price_fallback: the file that has the prices of models which are not on that list.
        cache_write_factors: what a cache write costs, in multiples of the input price, where neither the registry nor
            the price list says: for five minutes, for an hour. ``None``: as much as fresh input.
        batch_factors: what tokens cost by batch, in multiples of the standard prices, where the price list does not
            say: fresh input and output, then reads and writes of a cache. ``None``: not known.
        telemetry_name: the value of ``gen_ai.provider.name``; ``None`` takes the name.
        sdk_modules: modules of the vendor's own SDK, by which its objects are known.
        sdk_key_variables: further variables in which the vendor's SDK looks for the key.
        suggestion_rank: place in suggested pools; the lowest comes first, equal ones by name.
        keys_page: where a person gets a key.
        models_page: where the vendor lists its models.
        source: the vendor's page on which the row rests.
        proof: the public recording or the vendor's example of an exchange against which the row is tested, or the
            tests that run the host itself.
        proof_kind: ``recorded`` by somebody who called the host, ``documented`` by an example of the vendor's, or
            ``run`` by the tests themselves.
    """

    name: str
    title: str = ""
    protocol: Protocol | None = None
    key_variables: tuple[str, ...] = ()
    base_url_variables: tuple[str, ...] = ()
    default_url: str | None = None
    url_template: str | None = None
    models_path: str | None = "models"
    quirks: Quirks | None = None
    embeddings: Literal["cohere", "jina", "voyage"] | None = None
    cloud: Literal["azure", "azure-deployments", "vertex"] | None = None
    needs_modules: tuple[str, ...] = ()
    credentials_extra: tuple[str, str] | None = None
    keyless: bool = False
    local: bool = False
    listed: bool = False
    price_list: str | None = None
    price_fallback: str | None = None
    cache_write_factors: tuple[Decimal, Decimal] | None = None
    batch_factors: tuple[Decimal, Decimal] | None = None
    telemetry_name: str | None = None
    sdk_modules: tuple[str, ...] = ()
    sdk_key_variables: tuple[str, ...] = ()
    suggestion_rank: int = _UNRANKED
    keys_page: str | None = None
    models_page: str | None = None
    source: str | None = None
    proof: str | None = None
    proof_kind: Literal["recorded", "documented", "run"] | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable that llmring reads for this host."""
        return self.key_variables + self.base_url_variables + self.url_variables

    @property
    def url_variables(self) -> tuple[str, ...]:
        """The environment variables of which the address consists."""
        places = _PLACEHOLDER.findall(self.url_template or "")
        return tuple(dict.fromkeys(name for place in places for name in place.split("|")))

    def url_sources(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the variables that the address is made of where these are set: the first of each place."""
        places = _PLACEHOLDER.findall(self.url_template or "")
        return tuple(dict.fromkeys(_first_set(place, values) for place in places))

    @property
    def is_vendor(self) -> bool:
        """True of the host that defined its protocol."""
        return self.name in _VENDORS

    @property
    def is_shown(self) -> bool:
        """True of a host that lists show before it is configured: of a vendor, and of one that was registered."""
        return self.is_vendor or self.name not in _TABLE.built_in

    @property
    def is_installed(self) -> bool:
        """True where the modules that it needs are installed; most need none."""
        return all(find_spec(module) is not None for module in self.needs_modules)

    @property
    def is_proved(self) -> bool:
        """True where an exchange with the real host, or its documented example, is among the tests, or they run it."""
        return self.proof is not None

    def url_with(self, values: Mapping[str, str]) -> str | None:
        """Return the address of an account; ``None`` while a variable of it is not set, or is no part of an address.

        Args:
            values: environment variables. A value may be a whole origin (``https://dbc-1.cloud.databricks.com/``).
        """
        if self.url_lacks(values):
            return None
        url = _PLACEHOLDER.sub(
            lambda place: _address_part(values.get(_first_set(place[1], values), "")), self.url_template or ""
        )
        return url or None

    def url_lacks(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the variables of the address that are not set, or whose value is no part of an address."""
        return tuple(
            name
            for name in self.url_sources(values)
            if not _ADDRESS_PART.fullmatch(_address_part(values.get(name, "")))
        )


class _Table(Mapping[str, Host]):
    """The rows of the data file, read at the first look, and those that were added."""

    @cached_property
    def rows(self) -> dict[str, Host]:
        return {row.name: row for row in self._shipped}

    @cached_property
    def built_in(self) -> frozenset[str]:
        """Names of the rows that come with llmring."""
        return frozenset(row.name for row in self._shipped)

    @cached_property
    def _shipped(self) -> list[Host]:
        return msgspec.json.decode(_DATA.read_bytes(), type=list[Host])

    def __getitem__(self, name: str) -> Host:
        return self.rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.rows))

    def __len__(self) -> int:
        return len(self.rows)


_TABLE = _Table()
HOSTS: Mapping[str, Host] = _TABLE
"""Name to row, as the table is now; read-only, changed by :func:`register` and :func:`unregister`."""


def host_of(name: str) -> Host:
    """Return the row of a name.

    A provider that an installed package brings has none. It needs no key, and reads ``NAME_API_KEY`` and
    ``NAME_BASE_URL``.
    """
    found = HOSTS.get(name)
    if found is not None:
        return found
    stem = name.upper().replace("-", "_").replace(".", "_")
    return Host(
        name=name,
        title=name,
        key_variables=(f"{stem}_API_KEY",),
        base_url_variables=(f"{stem}_BASE_URL",),
        keyless=True,
    )


def register(host: Host) -> None:
    """Add a row for the whole process. An equal row may be added again.

    Raises:
        ConfigurationError: the name or the address is not valid, the protocol is not known, or the name is taken by
            another row.
    """
    if not _NAME.fullmatch(host.name):
        raise ConfigurationError(
            f"the host name {host.name!r} is not valid: use lower-case letters, digits, '-', '_' and '.'"
        )
    if host.protocol is not None and host.protocol not in get_args(Protocol):
        raise ConfigurationError(
            f"host {host.name!r}: there is no protocol {host.protocol!r}; use {', '.join(get_args(Protocol))}"
        )
    address = host.default_url or _PLACEHOLDER.sub("x", host.url_template or "")
    if host.protocol not in (None, "sim", "local") and not _is_address(address):
        raise ConfigurationError(f"host {host.name!r}: default_url must be an http or https URL")
    if not host.keyless and not host.key_variables:
        raise ConfigurationError(
            f"host {host.name!r}: name the variable that holds its key, or make it keyless"
        )
    if HOSTS.get(host.name, host) != host:
        raise ConfigurationError(f"there is a host {host.name!r} already; choose another name")
    _TABLE.rows[host.name] = host


def unregister(name: str) -> None:
    """Remove a row that :func:`register` added; a name that has none is no error.

    Raises:
        ConfigurationError: the row comes with llmring.
    """
    if name in _TABLE.built_in:
        raise ConfigurationError(f"the host {name!r} comes with llmring and cannot be removed")
    _TABLE.rows.pop(name, None)


def _first_set(place: str, values: Mapping[str, str]) -> str:
    """Return the variable of ``ONE|OTHER`` that fills the place: the first one set, else the first."""
    names = place.split("|")
    return next((name for name in names if values.get(name, "").strip()), names[0])


def _address_part(value: str) -> str:
    return value.strip().removeprefix("https://").rstrip("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as a bracket that is not closed
        return False


class HostNames(AbstractSet[str]):
    """Names of the hosts that meet a condition, in alphabetical order: a view of the table as it is now.

    Args:
        condition: the test of a row.
    """

    def __init__(self, condition: Callable[[Host], bool]) -> None:
        self._condition = condition

    def __contains__(self, name: object) -> bool:
        host = HOSTS.get(name) if isinstance(name, str) else None
        return host is not None and self._condition(host)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(host.name for host in list(_TABLE.rows.values()) if self._condition(host)))

    def __len__(self) -> int:
        return sum(map(self._condition, list(_TABLE.rows.values())))

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        return frozenset(it)
