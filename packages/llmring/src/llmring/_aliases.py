"""The aliases of a ring: its lockfile, read and edited."""

from collections.abc import Callable, Sequence
from pathlib import Path

import llmring_lockfile as lockfiles
import msgspec
from llmring_lockfile import ActiveProfile, Lockfile, Resolution, Resolver
from llmring_types.exceptions import (
    AliasNotFoundError,
    LockfileError,
    LockfileNotFoundError,
    LockfileWriteError,
)

from llmring._providers import Providers


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
        self._found = _discover(path) if lockfile is None else None
        self._report: Callable[[LockfileError | None], object] | None = None
        self.resolver = self._resolve_from(lockfile if self._found is None else self._found.path)
        self._admit_hosts()

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
            if self._found is not None and self._found.is_bundled:
                error.message = (
                    f"alias {name!r} is not bound: there is no lockfile here ({lockfiles.new_lockfile_path()}). "
                    f"Create one with 'llmring lock init', then: llmring bind {name} provider:model"
                )
            raise

    def providers_changed(self) -> None:
        """Take note that other names make a direct reference now."""
        self.resolver.providers = self._providers.known()

    def _is_of_new_provider(self, name: str) -> bool:
        """Return whether it names a host registered, or a package first asked for, since the resolver was made."""
        provider, colon, _ = name.partition(":")
        provider = provider.strip().lower()
        if not colon or provider in self.resolver.providers or not self._providers.discover(provider):
            return False
        self.providers_changed()
        return True

    def has(self, alias: str, profile: str | None) -> bool:
        """Return whether the alias is bound."""
        return lockfiles.has_alias(
            self.lockfile, alias, self._active(profile), packages=lockfiles.installed_lockfile
        )

    def require(self, aliases: Sequence[str], profile: str | None, context: str | None) -> None:
        """Raise one error that lists every alias that is not bound."""
        lockfiles.require_aliases(
            self.lockfile,
            aliases,
            self._active(profile),
            context=context,
            packages=lockfiles.installed_lockfile,
        )

    def primaries(self, profile: str | None) -> dict[str, str]:
        """Return each alias with the first model of its pool; nothing where the profile does not exist."""
        table = self.lockfile.profiles.get(self._active(profile).name)
        return {binding.alias: str(binding.primary) for binding in table.bindings} if table else {}

    def bind(self, alias: str, models: str | Sequence[str], profile: str | None) -> None:
        """Bind in the file, or in a new one where only the bundled lockfile is at hand."""
        path = self._editable()
        lockfiles.bind(path, alias, models, profile=profile, create=True)
        self._use(path)

    def create(self, *, force: bool) -> None:
        """Write an empty lockfile where the ring's is, or belongs, and use it."""
        path = self._editable()
        lockfiles.create_lockfile(path, force=force)
        self._use(path)

    def forget(self) -> None:
        """Drop every kept answer and look at the files anew."""
        self.resolver.invalidate()

    def keep_last_good(self, report: Callable[[LockfileError | None], object]) -> None:
        """Outlive a lockfile that breaks: :meth:`llmring_lockfile.Resolver.keep_last_good`."""
        self._report = report
        self.resolver.keep_last_good(report)

    def _use(self, path: Path) -> None:
        """Take the answers from this file from now on."""
        if self._found is not None and self._found.path != path:
            self._found = _discover(path)
            self.resolver = self._resolve_from(path)
        self.resolver.invalidate()

    def unbind(self, alias: str, profile: str | None) -> None:
        """Remove from the file."""
        if self._found is not None and self._found.is_bundled:
            raise LockfileNotFoundError(
                f"there is no lockfile to remove {alias!r} from; create one with: llmring lock init"
            )
        lockfiles.unbind(self._editable(), alias, profile=profile)
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

    def _active(self, profile: str | None) -> ActiveProfile:
        return lockfiles.active_profile(self.lockfile, profile)

    def _editable(self) -> Path:
        if self._found is None:
            raise LockfileWriteError("this ring's lockfile is in memory only; edit it before you pass it")
        return lockfiles.new_lockfile_path() if self._found.is_bundled else self._found.path

    def _resolve_from(self, source: Lockfile | Path | None) -> Resolver:
        resolver = Resolver(
            source or Lockfile(), providers=self._providers.known(), size=self._size, ttl=self._ttl
        )
        if self._report is not None:
            resolver.keep_last_good(self._report)
        return resolver


def _discover(path: str | Path | None) -> lockfiles.Found:
    """Find the lockfile, by a path that holds wherever the process goes."""
    found = lockfiles.discover(path)
    return msgspec.structs.replace(found, path=found.path.absolute())
