"""The table of hosts: one row per provider, from which every list, setting, price, log record and span derives.

A host is an address that speaks one of the protocols that llmring knows. The part of a model reference before its first
colon is the name of a row. :data:`HOSTS` has the rows that come with llmring and those that :func:`register` adds while
the program runs; read it at the time of the call, never copy it at import.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, get_args
from urllib.parse import urlsplit

import msgspec

from llmring_types.exceptions import ConfigurationError

__all__ = ["HOSTS", "Host", "HostNames", "Protocol", "host_of", "register", "unregister"]

Protocol = Literal["openai", "anthropic", "gemini", "ollama", "sim", "local"]
"""The wire protocols, each named after the host that defined it.

``sim`` stays within the process; ``local`` is OpenAI's, to a server that the process starts. Neither has an address.
"""

_WITHOUT_ADDRESS = (None, "sim", "local")

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_UNRANKED = 1000


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One row: everything about a host that is not its protocol.

    Attributes:
        name: the part of a model reference before the colon; lower case.
        title: the name for people.
        protocol: ``None`` for a provider that another package brings by an entry point.
        key_variables: environment variables that may hold the key; the first one set wins.
        base_url_variables: environment variables that may hold the base URL; the first one set wins.
        default_url: the base URL where nothing else names one.
        keyless: usable without a key.
        local: runs on the user's machine, so nobody bills its tokens.
        listed: the registry publishes its models.
        price_list: the file of the genai-prices project that has its prices.
        cache_write_factors: what a cache write costs, in multiples of the input price, where neither the registry nor
            the price list says: for five minutes, for an hour. ``None``: as much as fresh input.
        telemetry_name: the value of ``gen_ai.provider.name``; ``None`` takes the name.
        sdk_modules: modules of the vendor's own SDK, by which its objects are known.
        sdk_key_variables: further variables in which the vendor's SDK looks for the key.
        suggestion_rank: place in suggested pools; the lowest comes first, equal ones by name.
        keys_page: where a person gets a key.
        models_page: where the vendor lists its models.
        source: the vendor's page on which the row rests.
    """

    name: str
    title: str = ""
    protocol: Protocol | None = None
    key_variables: tuple[str, ...] = ()
    base_url_variables: tuple[str, ...] = ()
    default_url: str | None = None
    keyless: bool = False
    local: bool = False
    listed: bool = False
    price_list: str | None = None
    cache_write_factors: tuple[Decimal, Decimal] | None = None
    telemetry_name: str | None = None
    sdk_modules: tuple[str, ...] = ()
    sdk_key_variables: tuple[str, ...] = ()
    suggestion_rank: int = _UNRANKED
    keys_page: str | None = None
    models_page: str | None = None
    source: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable that llmring reads for this host."""
        return self.key_variables + self.base_url_variables


_ROWS: dict[str, Host] = {
    host.name: host
    for host in (
        Host(
            name="openai",
            title="OpenAI",
            protocol="openai",
            key_variables=("OPENAI_API_KEY",),
            base_url_variables=("OPENAI_BASE_URL",),
            default_url="https://api.openai.com/v1",
            listed=True,
            price_list="openai",
            sdk_modules=("openai",),
            suggestion_rank=2,
            keys_page="https://platform.openai.com/api-keys",
            models_page="https://platform.openai.com/docs/models",
            source="https://platform.openai.com/docs/api-reference/introduction",
        ),
        Host(
            name="anthropic",
            title="Anthropic",
            protocol="anthropic",
            key_variables=("ANTHROPIC_API_KEY",),
            base_url_variables=("ANTHROPIC_BASE_URL",),
            default_url="https://api.anthropic.com",
            listed=True,
            price_list="anthropic",
            # https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
            cache_write_factors=(Decimal("1.25"), Decimal(2)),
            sdk_modules=("anthropic",),
            suggestion_rank=1,
            keys_page="https://platform.claude.com/settings/keys",
            models_page="https://platform.claude.com/docs/en/about-claude/models/overview",
            source="https://platform.claude.com/docs/en/api/overview",
        ),
        Host(
            name="google",
            title="Google Gemini",
            protocol="gemini",
            key_variables=("GOOGLE_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
            base_url_variables=("GOOGLE_GEMINI_BASE_URL",),
            default_url="https://generativelanguage.googleapis.com",
            listed=True,
            price_list="google",
            # https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
            telemetry_name="gcp.gemini",
            sdk_modules=("google.genai", "google.generativeai"),
            sdk_key_variables=("GOOGLE_API_KEY",),
            suggestion_rank=3,
            keys_page="https://aistudio.google.com/apikey",
            models_page="https://ai.google.dev/gemini-api/docs/models",
            source="https://ai.google.dev/gemini-api/docs/api-key",
        ),
        Host(
            name="ollama",
            title="Ollama",
            protocol="ollama",
            key_variables=("OLLAMA_API_KEY",),
            base_url_variables=("OLLAMA_BASE_URL", "OLLAMA_HOST"),
            default_url="http://localhost:11434",
            keyless=True,
            local=True,
            sdk_modules=("ollama",),
            keys_page="https://ollama.com/settings/keys",
            models_page="https://ollama.com/library",
            source="https://docs.ollama.com/faq",
        ),
        Host(name="sim", title="Simulator", protocol="sim", keyless=True),
        Host(
            name="local",
            title="SmolLM2-135M on this machine (very small)",
            protocol="local",
            keyless=True,
            local=True,
            models_page="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        ),
    )
}
_BUILT_IN = frozenset(_ROWS)

HOSTS: Mapping[str, Host] = MappingProxyType(_ROWS)
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
    if host.protocol not in _WITHOUT_ADDRESS and not _is_address(host.default_url or ""):
        raise ConfigurationError(f"host {host.name!r}: default_url must be an http or https URL")
    if not host.keyless and not host.key_variables:
        raise ConfigurationError(
            f"host {host.name!r}: name the variable that holds its key, or make it keyless"
        )
    if HOSTS.get(host.name, host) != host:
        raise ConfigurationError(f"there is a host {host.name!r} already; choose another name")
    _ROWS[host.name] = host


def unregister(name: str) -> None:
    """Remove a row that :func:`register` added; a name that has none is no error.

    Raises:
        ConfigurationError: the row comes with llmring.
    """
    if name in _BUILT_IN:
        raise ConfigurationError(f"the host {name!r} comes with llmring and cannot be removed")
    _ROWS.pop(name, None)


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
        return iter(sorted(host.name for host in list(_ROWS.values()) if self._condition(host)))

    def __len__(self) -> int:
        return sum(map(self._condition, list(_ROWS.values())))

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        return frozenset(it)
