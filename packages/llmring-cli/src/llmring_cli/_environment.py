"""The ``.env`` file of the working directory: untrusted data, read by the command alone, never by the library."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmring_types.exceptions import ConfigurationError, UntrustedAddressError

from llmring_cli._output import report

if TYPE_CHECKING:
    from llmring_lockfile import Lockfile

NAME = ".env"
REFUSED_HOSTS: dict[str, UntrustedAddressError] = {}
"""Hosts that lockfiles of this command name and nobody has approved, with the error of using each."""
_admitted: set[str] = set()


class DotenvFile(NamedTuple):
    """A ``.env`` file.

    Attributes:
        path: where it is.
        content: as it is on disk; approvals are for it.
        values: what it sets, as text.
        unread: lines that set nothing.
    """

    path: Path
    content: bytes
    values: dict[str, str]
    unread: int


@contextmanager
def dotenv(folder: Path, *, verbose: bool) -> Iterator[None]:
    """Add the settings of ``.env`` to the environment for the time of a command.

    Only names that llmring documents are taken, as they are written, and never over what the environment has; see
    :func:`llmring.trust.select`.

    Args:
        folder: the working directory.
        verbose: report on standard error what is ignored.

    Raises:
        ConfigurationError: the file is not text.
    """
    path = folder / NAME
    # Some people give their virtual environment this name.
    file = read_dotenv(path) if os.path.lexists(path) and not path.is_dir() else None
    added = {} if file is None else _added(file, verbose=verbose)
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def register_own_hosts() -> None:
    """Register the hosts of the user configuration; a file that cannot be read is a warning."""
    # Whether there may be one: llmring.hosts, which knows which of the two counts, takes long to import.
    folders = os.environ.get("XDG_CONFIG_HOME", ""), os.path.expanduser("~/.config")  # noqa: PTH111 - no home is no error
    if not any(os.path.isfile(Path(folder, "llmring", "hosts.toml")) for folder in folders):  # noqa: PTH113 - never raises
        return
    from llmring.hosts import register_user_hosts  # noqa: PLC0415 - most people have no such file

    try:
        register_user_hosts()
    except ConfigurationError as error:
        report(f"warning: {error}")


def admit_hosts(lockfile: "Lockfile") -> None:
    """Make the hosts of a lockfile known to the command: for use once they are approved, to be refused before."""
    if not lockfile.hosts:
        return
    from llmring.hosts import lockfile_hosts, register_host  # noqa: PLC0415 - most lockfiles name none
    from llmring_types.hosts import HOSTS  # noqa: PLC0415

    try:
        found = lockfile_hosts(lockfile)
        for host in found.approved:
            new = host.name not in HOSTS
            register_host(host)
            if new:
                _admitted.add(host.name)
    except (ConfigurationError, OSError) as error:
        report(f"warning: {lockfile.path}: {error}")
        return
    REFUSED_HOSTS.update(found.refused)


def report_refused_hosts() -> None:
    """Report the hosts that count only once the lockfile is approved."""
    for refusal in REFUSED_HOSTS.values():
        report(f"hint: {refusal}")


def forget_hosts() -> None:
    """Forget the hosts of lockfiles, at the end of a command."""
    REFUSED_HOSTS.clear()
    if _admitted:
        from llmring_types.hosts import unregister  # noqa: PLC0415 - most lockfiles name none

        while _admitted:
            unregister(_admitted.pop())


def read_dotenv(path: Path) -> DotenvFile | None:
    """Return what the file sets; ``None``, after a warning, where it cannot be read as a file.

    Raises:
        ConfigurationError: it is not text.
    """
    from llmring.trust import read_content  # noqa: PLC0415 - most folders have no such file

    try:
        content = read_content(path)
    except (OSError, ConfigurationError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        report(f"warning: {path} is ignored: {reason}")
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"cannot read {path}: {error}; save it as UTF-8, or remove it") from error
    before, null, _ = text.partition("\0")
    if null:
        line = before.count("\n") + 1
        raise ConfigurationError(
            f"cannot read {path}: line {line} has a null character; save the file as UTF-8, or remove it"
        )
    values, unread = _parse(text)
    return DotenvFile(path, content, values, unread)


def is_approved(file: DotenvFile) -> bool:
    """Return whether the user has approved this file with its content."""
    from llmring.trust import open_trust_store  # noqa: PLC0415 - as above

    return open_trust_store().trusts(file.path, file.content)


def _parse(text: str) -> tuple[dict[str, str], int]:
    from dotenv.parser import parse_stream  # noqa: PLC0415 - as above

    values, unread = {}, 0
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            unread += 1
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values, unread


def _added(file: DotenvFile, *, verbose: bool) -> dict[str, str]:
    from llmring.trust import DOTENV_VARIABLE, Origin, select  # noqa: PLC0415 - as above

    approved = is_approved(file)
    if not approved and _leads_out(file.path):
        report(f"warning: {file.path} is ignored: it is a link out of this folder. To use it: llmring trust")
        return {}
    chosen = select(file.values, os.environ, approved=approved)
    if any(name.endswith(("_API_KEY", "_BASE_URL")) for name in chosen.ignored):
        chosen = select(file.values, os.environ, approved=approved, providers=_brought())
    if chosen.unapproved:
        report(
            f"warning: {file.path} sets {', '.join(chosen.unapproved)} without your approval; review the file, "
            "then run: llmring trust"
        )
    if verbose and (chosen.ignored or file.unread):
        report(_ignored_text(file, chosen.ignored))
    if approved or not chosen.taken:
        return chosen.taken
    origin = Origin(Origin.of(os.environ).names | chosen.taken.keys(), str(file.path.absolute()))
    return {**chosen.taken, DOTENV_VARIABLE: str(origin)}


def _leads_out(path: Path) -> bool:
    return path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve())


def _brought() -> list[str]:
    """Return the providers that installed packages bring."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and for those of others alone

    return [entry.name for entry in entry_points(group="llmring.providers")]


def _ignored_text(file: DotenvFile, names: Sequence[str]) -> str:
    lines = ""
    if file.unread:
        lines = f" and {file.unread} line{'' if file.unread == 1 else 's'} that set{'s' * (file.unread == 1)} nothing"
    return f"{file.path}: ignored {', '.join(names) or 'no name'}{lines}"
