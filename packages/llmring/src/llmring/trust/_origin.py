"""Variables that a file of the current folder sets: which are taken, and where keys may go."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from math import inf
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError, UntrustedAddressError
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
_MOST_UNAPPROVED = {
    "LLMRING_PROVIDER_TIMEOUT_S": 600,
    "LLMRING_RETRY_ATTEMPTS": 10,
    "LLMRING_RETRY_BASE_S": 60,
    "LLMRING_RETRY_MAX_S": 600,
}
"""The largest numbers that a file sets without an approval."""


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
    address: tuple[str, str], key_variable: str | None, environ: Mapping[str, str]
) -> UntrustedAddressError | None:
    """Return why nothing must be sent to an address; ``None`` if it may be used.

    An address of an unapproved file gets neither a key of the user nor a prompt: a key beside it in the same file makes
    it no more trustworthy. Prompts may go to this machine (a local Ollama), keys of the user may not.

    Args:
        address: the variable that holds the address, and its value.
        key_variable: the variable that holds the key; ``None`` where there is none.
        environ: the environment.
    """
    origin = Origin.of(environ)
    variable, url = address
    if variable not in origin.names:
        return None
    own_key = key_variable is not None and key_variable not in origin.names
    if not own_key and _is_loopback(url):
        return None
    what = f"your {key_variable}" if own_key else "your prompts"
    from llmring_providers import without_credentials  # noqa: PLC0415 - it brings every adapter's base

    return UntrustedAddressError(
        f"{origin.path} sets {variable}, so {what} would be sent to {without_credentials(url)}; "
        "nothing was sent. If you trust that address, run: llmring trust",
        file=origin.path,
    )


def check_numbers(environ: Mapping[str, str]) -> None:
    """Check that a file which nobody has approved sets no number that holds a command up or repeats paid calls.

    Raises:
        ConfigurationError: one is beyond what such a file may set.
    """
    origin = Origin.of(environ)
    for name, most in _MOST_UNAPPROVED.items():
        if name in origin.names and _number(environ.get(name, "")) > most:
            raise ConfigurationError(
                f"{origin.path} sets {name} to more than {most}, the most that a file may set before you approve it; "
                "correct it or, if you trust the file, run: llmring trust"
            )


def absolute_path(name: str, text: str) -> Path:
    """Return a path of the environment, ``~`` being the home folder.

    Raises:
        ConfigurationError: it is relative. A cloned repository may hold a file of that name.
    """
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - no error where there is no home
    if not path.is_absolute():
        raise ConfigurationError(
            f"{name}={text!r} is relative, so each folder would have a file of its own: write the whole path"
        )
    return path


def _number(text: str) -> float:
    """Read a number; a word (``none``) is no limit at all."""
    try:
        return float(text or 0)
    except ValueError:
        return inf


def _is_loopback(url: str) -> bool:
    try:
        name = (urlsplit(url if "://" in url else f"//{url}").hostname or "").lower()
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:  # a name, or no URL at all
        return False
