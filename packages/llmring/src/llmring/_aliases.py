"""The aliases of a ring: its lockfile, read and edited."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import llmring_lockfile as lockfiles
import msgspec
from llmring_lockfile import ActiveProfile, Lockfile, Resolution, Resolver
from llmring_types import ModelRef
from llmring_types.exceptions import (
    AliasNotFoundError,
    LockfileError,
    LockfileNotFoundError,
    LockfileWriteError,
    UnknownProviderError,
)

from llmring._providers import Providers

T = TypeVar("T")


class Aliases:
    """Resolves and edits the aliases of one lockfile.

    Args:
        path: the file, or ``None`` to look for one.
        lockfile: one in memory; it cannot be edited.
        cache_size: resolutions kept.
        cache_ttl: seconds that they are kept.
        providers: their names make a direct reference.

    Raises:
        LockfileNotFoundError: the file named does not exist (also a ``FileNotFoundError``).
        LockfileParseError: it cannot be read (also a ``ValueError``).
    """

    def __init__(
        self,
        path: str | Path | None,
        lockfile: Lockfile | None,
        *,
        cache_size: int,
        cache_ttl: float,
        providers: Providers,
    ) -> None:
        self._size = cache_size
        self._ttl = cache_ttl
        self._providers = providers
        self._in_memory = lockfile
        self._report: Callable[[LockfileError | None], object] | None = None
        self._found = _discover(path) if lockfile is None else None
        self._admit_hosts()

    @cached_property
    def resolver(self) -> Resolver:
        """The answers from the lockfile, kept until :meth:`forget`."""
        source = self._in_memory if self._found is None else self._found.path
        resolver = Resolver(
            source or Lockfile(), providers=self._providers.known(), size=self._size, ttl=self._ttl
        )
        if self._report is not None:
            resolver.keep_last_good(self._report)
        return resolver

    def keep_last_good(self, report: Callable[[LockfileError | None], object]) -> None:
        """Outlive a lockfile that breaks: :meth:`llmring_lockfile.Resolver.keep_last_good`."""
        self._report = report
        self.resolver.keep_last_good(report)

    @property
    def is_bundled(self) -> bool:
        """``True`` while there is no lockfile but the one that comes with the package."""
        return self._found is not None and self._found.origin == "bundled"

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile as it is now."""
        return self.resolver.lockfile

    @property
    def path(self) -> Path | None:
        """The file; ``None`` for a lockfile in memory."""
        return None if self._found is None else self._found.path

    def resolve(self, name: str, profile: str | None) -> Resolution:
        """Return the pool of an alias or ``provider:model``.

        Raises:
            AliasNotFoundError: not bound, or there is no lockfile yet (also a ``ValueError``).
        """
        try:
            return self.resolver.resolve(name, profile)
        except AliasNotFoundError as error:
            if self._is_of_new_provider(name):
                return self.resolver.resolve(name, profile)
            if self.is_bundled and not isinstance(error, UnknownProviderError):
                error.message = (
                    f"alias {name!r} is not bound: there is no lockfile here ({lockfiles.new_lockfile_path()}). "
                    f"Create one with 'llmring lock init', then: llmring bind {name} provider:model"
                )
            raise

    def providers_changed(self) -> None:
        """Record that other names make a direct reference now."""
        if "resolver" in vars(self):
            self.resolver.providers = self._providers.known()

    def _is_of_new_provider(self, name: str) -> bool:
        """Return whether it names a host registered, or a package first asked for, since the resolver was made."""
        provider, colon, _ = name.partition(":")
        provider = provider.strip().lower()
        if not colon or provider in self.resolver.providers or not self._providers.discover(provider):
            return False
        self.providers_changed()
        return True

    def active(self, profile: str | None) -> ActiveProfile:
        return lockfiles.active_profile(self.lockfile, profile)

    def editable(self) -> Path:
        """Return the file to edit: a new one where only the bundled lockfile is at hand.

        Raises:
            LockfileWriteError: the lockfile is in memory only.
        """
        if self._found is None:
            raise LockfileWriteError("this ring's lockfile is in memory only; edit it before you pass it")
        return lockfiles.new_lockfile_path() if self.is_bundled else self._found.path

    def use(self, path: Path) -> None:
        """Take the answers from this file from now on, as it is now."""
        if self._found is not None and self._found.path != path:
            self._found = _discover(path)
            vars(self).pop("resolver", None)
        else:
            self.forget()

    def forget(self) -> None:
        """Drop every kept answer; the next question reads the file anew."""
        if self._report is None:
            vars(self).pop("resolver", None)
        else:  # the last good state outlives this, too
            self.resolver.invalidate()

    def _admit_hosts(self) -> None:
        """Register the hosts that the lockfile names, and refuse those that need an approval first.

        Raises:
            ConfigurationError: one is not valid, or its name is taken.
        """
        if not self.lockfile.hosts:
            return
        from llmring.hosts import register_lockfile_hosts  # noqa: PLC0415 - most lockfiles name none

        found = register_lockfile_hosts(self.lockfile)
        self._providers.admit(host.name for host in found.approved)
        self._providers.refuse(found.refused)
        self.providers_changed()


def _discover(path: str | Path | None) -> lockfiles.Found:
    """Find the lockfile, by a path that holds wherever the process goes."""
    found = lockfiles.discover(path)
    return msgspec.structs.replace(found, path=found.path.absolute())


def one_of(name: str, value: T | None, other: str, other_value: T | None) -> T:
    """Return the argument that was given by either of its names.

    Raises:
        TypeError: it was given by none or by both.
    """
    given = [each for each in (value, other_value) if each is not None]
    if len(given) != 1:
        raise TypeError(f"give either {name} or {other}")
    return given[0]


class AliasMethods:
    """The aliases and the lockfile of a ring."""

    _aliases: Aliases

    def pool(self, alias_or_model: str, profile: str | None = None) -> tuple[ModelRef, ...]:
        """Return every model that the name stands for, in order, whether its provider is configured or not.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
        """
        return self._aliases.resolve(alias_or_model, profile).models

    def has_alias(self, alias: str, profile: str | None = None) -> bool:
        """Return whether the alias is bound, whatever keys are set."""
        return lockfiles.has_alias(
            self.lockfile, alias, self._aliases.active(profile), packages=lockfiles.installed_lockfile
        )

    def require_aliases(
        self,
        aliases: Sequence[str] | None = None,
        profile: str | None = None,
        context: str | None = None,
        *,
        required: Sequence[str] | None = None,
    ) -> None:
        """Check that all these aliases are bound; for libraries, at start-up.

        Args:
            aliases: those the library uses.
            profile: the lockfile's profile.
            context: who needs them, for the message.
            required: another word for ``aliases``.

        Raises:
            AliasNotFoundError: one error that lists all that are missing (also a ``ValueError``).
        """
        lockfiles.require_aliases(
            self.lockfile,
            one_of("aliases", aliases, "required", required),
            self._aliases.active(profile),
            context=context,
            packages=lockfiles.installed_lockfile,
        )

    def list_aliases(self, profile: str | None = None) -> dict[str, str]:
        """Return each alias of the profile with the first model of its pool; none where there is no such profile."""
        table = self.lockfile.profiles.get(self._aliases.active(profile).name)
        return {binding.alias: str(binding.primary) for binding in table.bindings} if table else {}

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile as it is now: the user's, the bundled one where there is none, or the one in memory."""
        return self._aliases.lockfile

    @property
    def lockfile_path(self) -> Path | None:
        """The file of :attr:`lockfile`; ``None`` for one in memory."""
        return self._aliases.path

    def init_lockfile(self, force: bool = False) -> None:
        """Write an empty lockfile where this ring's lockfile is, or where a new one belongs, and use it.

        Args:
            force: write over one that exists; its bindings are lost.

        Raises:
            LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
            LockfileWriteError: it cannot be written (also an ``OSError``).
        """
        path = self._aliases.editable()
        lockfiles.create_lockfile(path, force=force)
        self._aliases.use(path)

    def clear_alias_cache(self) -> None:
        """Forget which models aliases stand for, and read the lockfile anew at the next call.

        Edits of the file are noticed by themselves, within a second; this is for those that cannot wait.
        """
        self._aliases.forget()

    def bind_alias(self, alias: str, model: str | Sequence[str], profile: str | None = None) -> None:
        """Bind an alias in the lockfile, which is created when there is none.

        Args:
            alias: the name.
            model: one ``provider:model``, or a pool: a list, or text with commas.
            profile: the lockfile's profile.

        Raises:
            ModelReferenceError: not ``provider:model`` (also a ``ValueError``).
            LockfileWriteError: the lockfile cannot be written (also an ``OSError``).
        """
        path = self._aliases.editable()
        lockfiles.bind(path, alias, model, profile=profile, create=True)
        self._aliases.use(path)

    def unbind_alias(self, alias: str, profile: str | None = None) -> None:
        """Remove an alias from the lockfile; nothing happens where it is not bound.

        Raises:
            LockfileNotFoundError: there is no lockfile (also a ``FileNotFoundError``).
            LockfileWriteError: it cannot be written (also an ``OSError``).
        """
        if self._aliases.is_bundled:
            raise LockfileNotFoundError(
                f"there is no lockfile to remove {alias!r} from; create one with: llmring lock init"
            )
        lockfiles.unbind(self._aliases.editable(), alias, profile=profile)
        self._aliases.forget()
