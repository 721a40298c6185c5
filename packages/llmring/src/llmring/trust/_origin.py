"""Variables that a file of the current folder sets: which are taken, and where keys may go."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from llmring_types.exceptions import UntrustedAddressError
from llmring_types.hosts import HOSTS, Host, host_of

from llmring._settings import DOTENV_VARIABLE

_HARMLESS = frozenset(
    {
        "LLMRING_ALLOW_NETWORK",
        "LLMRING_PROFILE",
        "LLMRING_PROVIDER_TIMEOUT_S",
        "LLMRING_RETRY_ATTEMPTS",
        "LLMRING_RETRY_BASE_S",
        "LLMRING_RETRY_MAX_S",
        "LLMRING_STRICT_COST",
    }
)
"""Settings of calls. The switches among them can only restrict: what the environment has stays."""
_APPROVED = frozenset(
    {
        "LLMRING_API_KEY",
        "LLMRING_LOCKFILE_PATH",
        "LLMRING_MAX_RESPONSE_BYTES",
        "LLMRING_PREFER_SAAS",
        "LLMRING_REGISTRY_URL",
        "LLMRING_SERVER_URL",
        "LLMRING_USAGE_LOG",
    }
)
"""Settings that need an approval: files that are written, where calls are reported, who says what models cost."""


class Selection(NamedTuple):
    """The variables to take from a file.

    Attributes:
        taken: variables for the environment.
        unapproved: names that are taken only once the file is approved.
        ignored: all other names. llmring documents none of them, so they never reach the environment.
    """

    taken: dict[str, str]
    unapproved: list[str]
    ignored: list[str]


def select(
    values: Mapping[str, str], environ: Mapping[str, str], *, approved: bool, providers: Iterable[str] = ()
) -> Selection:
    """Choose the variables of a ``.env`` file that a command takes. What the environment has already stays.

    Where several variables may hold the same thing, the environment's counts, whichever it is: ``OLLAMA_BASE_URL`` of
    the file does not displace ``OLLAMA_HOST`` of the environment.

    Args:
        values: the file's, as text.
        environ: the environment.
        approved: the user has approved the file.
        providers: those that installed packages bring.
    """
    hosts = [host_of(name) for name in (*HOSTS, *providers)]
    harmless = _HARMLESS.union(*(host.variables for host in hosts))
    settled = _settled(hosts, environ)
    selection = Selection({}, [], [])
    for name, value in values.items():
        if name in harmless or (approved and name in _APPROVED):
            if name not in environ and name not in settled:
                selection.taken[name] = value
        elif name in _APPROVED:
            if name not in environ:
                selection.unapproved.append(name)
        else:
            selection.ignored.append(name)
    return selection


def _settled(hosts: Iterable[Host], environ: Mapping[str, str]) -> frozenset[str]:
    """Return the variables whose key or address the environment has, under this name or another one."""
    groups = [group for host in hosts for group in (host.key_variables, host.base_url_variables)]
    return frozenset[str]().union(
        *(group for group in groups if any(environ.get(name, "").strip() for name in group))
    )


class Origin(NamedTuple):
    """The variables of the environment that an unapproved file has set.

    The command that reads the file records them in ``LLMRING_DOTENV``, so that every process it starts knows them too.

    Attributes:
        names: the variables.
        path: the file.
    """

    names: frozenset[str]
    path: str

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Origin":
        """Return what the environment records; no names where no such file was read."""
        names, _, path = environ.get(DOTENV_VARIABLE, "").partition("@")
        return cls(frozenset(names.split(",")) - {""}, path)

    def __str__(self) -> str:
        return f"{','.join(sorted(self.names))}@{self.path}"


def check_address(
    address: tuple[str, str], key_variable: str, environ: Mapping[str, str]
) -> UntrustedAddressError | None:
    """Return why a key must not be sent to an address; ``None`` if it may.

    Args:
        address: the variable that holds the address, and its value.
        key_variable: the variable that holds the key.
        environ: the environment.
    """
    origin = Origin.of(environ)
    variable, url = address
    if variable not in origin.names or key_variable in origin.names:
        return None
    from llmring_providers import without_credentials  # noqa: PLC0415 - it brings every adapter's base

    return UntrustedAddressError(
        f"{origin.path} sets {variable}, so your {key_variable} would be sent to {without_credentials(url)}; "
        "nothing was sent. If you trust that address, run: llmring trust",
        file=origin.path,
    )
