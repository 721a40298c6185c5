"""Hosts of one's own: rows of the table that a person keeps in the user configuration, or a lockfile names.

A person's file is trusted. A lockfile is a stranger's: its hosts count only once it is approved (``llmring trust
llmring.lock``), since keys of the person's environment go to their addresses. Keys are in neither: a row names the
environment variable.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast, get_args

import msgspec
from llmring_lockfile import HostEntry, Lockfile, parse, write_atomically
from llmring_types.exceptions import ConfigurationError, UntrustedAddressError
from llmring_types.hosts import HOSTS, Host, Protocol, register, unregister

from llmring._access import check_base_url
from llmring._providers import LENT_HOSTS
from llmring._settings import has_user_hosts, hosts_file
from llmring.trust import open_trust_store, read_content

__all__ = [
    "LockfileHosts",
    "add_host",
    "hosts_file",
    "lockfile_hosts",
    "own_host",
    "register_host",
    "register_user_hosts",
    "remove_host",
]

_PROTOCOLS = tuple(name for name in get_args(Protocol) if name not in ("sim", "local"))
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the user's file."""

    hosts: dict[str, HostEntry] = msgspec.field(default_factory=dict)


def own_host(name: str, *, base_url: str, protocol: str = "openai", key_env: str | None = None) -> Host:
    """Return the row of a host of one's own.

    Args:
        name: the first half of references to its models.
        base_url: where the paths of the protocol begin, the version included where there is one.
        protocol: ``openai``, ``responses``, ``anthropic``, ``gemini`` or ``ollama``.
        key_env: the environment variable that holds its key; ``None`` where it needs none.

    Raises:
        ConfigurationError: one of them is not valid.
    """
    if protocol not in _PROTOCOLS:
        raise ConfigurationError(
            f"host {name!r}: there is no protocol {protocol!r}; use {', '.join(_PROTOCOLS)}"
        )
    if key_env is not None and not _VARIABLE.fullmatch(key_env):
        raise ConfigurationError(
            f"host {name!r}: key_env must be the name of an environment variable, not a key"
        )
    check_base_url(f"host {name!r}", base_url, with_key=False)
    return Host(
        name=name,
        title=name,
        protocol=cast("Protocol", protocol),
        default_url=base_url.rstrip("/"),
        key_variables=() if key_env is None else (key_env,),
        keyless=key_env is None,
    )


def add_host(host: Host, environ: Mapping[str, str] = os.environ, *, replace: bool = False) -> Path:
    """Add a host to the user's file; rings that are made from then on know it.

    Args:
        host: the row, as :func:`own_host` returns it.
        environ: names the file.
        replace: it takes the place of another of its name in the file.

    Raises:
        ConfigurationError: its name is taken by a host that comes with llmring, or by another one in the file; or there
            is no home folder.
        OSError: the file cannot be written.
    """
    path = hosts_file(environ)
    if path is None:
        raise ConfigurationError("hosts are kept in the home folder, and there is none; set HOME")
    rows = _read(path)
    before = rows.pop(host.name, host)
    if before != host and not replace:
        raise ConfigurationError(
            f"you have a host {host.name!r} already, with {_differences(before, host)}; add it with --force to replace it"
        )
    if host.name in HOSTS and HOSTS[host.name] == before:
        unregister(host.name)
    known = host.name in HOSTS
    register(host)  # checks it
    if not known:
        unregister(host.name)
    _write(path, {**rows, host.name: host})
    return path


def remove_host(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Remove a host from the user's file; return whether it was there. This process keeps it.

    Raises:
        ConfigurationError: the file cannot be read.
        OSError: it cannot be written.
    """
    path = hosts_file(environ)
    rows = {} if path is None else _read(path)
    if path is None or rows.pop(name, None) is None:
        return False
    _write(path, rows)
    return True


def register_host(host: Host) -> None:
    """Register a host for the whole process.

    Raises:
        ConfigurationError: it is not valid, or its name is taken.
    """
    register(host)
    LENT_HOSTS.discard(host.name)


def register_user_hosts(environ: Mapping[str, str] = os.environ) -> None:
    """Register the hosts of the user's file.

    Raises:
        ConfigurationError: the file cannot be read, or a name in it is taken.
    """
    path = hosts_file(environ)
    if path is None or not has_user_hosts(environ):
        return
    for host in _read(path).values():
        with _naming(path):
            register_host(host)


class LockfileHosts(NamedTuple):
    """The hosts that a lockfile names.

    Attributes:
        approved: the rows that count.
        refused: the errors of those that do not, by their names.
    """

    approved: list[Host]
    refused: dict[str, UntrustedAddressError]


def lockfile_hosts(lockfile: Lockfile) -> LockfileHosts:
    """Return the hosts of a lockfile: those that the user has approved, and the errors of the others.

    A lockfile in memory, which the program made, needs no approval. Nor does a host that is in the table with the same
    row. What is approved is what is returned: the file is read once for both.

    Raises:
        ConfigurationError: a host is not valid.
    """
    entries, path = lockfile.hosts, lockfile.path
    if path is not None:
        content = read_content(path)
        if not open_trust_store().trusts(path, content):
            known = [name for name, entry in entries.items() if _is_known(_row(name, entry))]
            refused = {
                name: _untrusted(name, entry, path) for name, entry in entries.items() if name not in known
            }
            return LockfileHosts([HOSTS[name] for name in known], refused)
        entries = parse(content.decode(), path).hosts
    return LockfileHosts([_row(name, entry) for name, entry in entries.items()], {})


def register_lockfile_hosts(lockfile: Lockfile) -> LockfileHosts:
    """Register the hosts of a lockfile that count, for the rings of this lockfile, and return all of them.

    Raises:
        ConfigurationError: a host is not valid, or its name is taken.
    """
    found = lockfile_hosts(lockfile)
    for host in found.approved:
        new = host.name not in HOSTS
        with _naming(lockfile.path):
            register(host)
        if new:
            LENT_HOSTS.add(host.name)
    return found


def _is_known(row: Host) -> bool:
    """Return whether the table has this row, and not because a lockfile named it."""
    return HOSTS.get(row.name) == row and row.name not in LENT_HOSTS


def _differences(before: Host, after: Host) -> str:
    """Say what replacing a host would change, such as ``base_url 'http://a' instead of 'http://b'``."""
    old, new = _fields(before), _fields(after)
    return ", ".join(
        f"{name} {old[name]!r} instead of {new[name]!r}" for name in old if old[name] != new[name]
    )


def _fields(host: Host) -> dict[str, str | None]:
    return {
        "base_url": host.default_url,
        "protocol": host.protocol,
        "key_env": next(iter(host.key_variables), None),
    }


def _row(name: str, entry: HostEntry) -> Host:
    return own_host(name, base_url=entry.base_url, protocol=entry.protocol, key_env=entry.key_env)


def _untrusted(name: str, entry: HostEntry, path: Path) -> UntrustedAddressError:
    return UntrustedAddressError(
        f"{path} names the host {name!r} at {entry.base_url}, so your prompts and keys would go there; nothing was sent. "
        f"If you trust that address, run: llmring trust {path.name}",
        file=str(path),
    )


@contextmanager
def _naming(path: Path | None) -> Iterator[None]:
    """Name the file in an error about a host of it."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{path or 'the lockfile'}: {error}", original=error) from error


def _read(path: Path) -> dict[str, Host]:
    if not path.exists():
        return {}
    try:
        data = tomllib.loads(read_content(path).decode())
        entries = msgspec.convert(data, _File).hosts
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(
            f"cannot read {path}: {reason}; correct or remove it", original=error
        ) from error
    return {name: _row(name, entry) for name, entry in entries.items()}


def _write(path: Path, rows: Mapping[str, Host]) -> None:
    lines = []
    for name, host in sorted(rows.items()):
        lines.append(f"[hosts.{_quoted(name)}]")
        lines += [
            f"{field} = {_quoted(value)}" for field, value in _fields(host).items() if value is not None
        ]
        lines.append("")
    write_atomically(path, "\n".join(lines).encode(), private=True, folders=True, follow=True)


def _quoted(text: str) -> str:
    """A basic string of TOML: names, addresses and variables are printable ASCII, which JSON writes in the same way."""
    return msgspec.json.encode(text).decode()
