"""For authors of libraries: say at start-up which aliases must be bound."""

from collections.abc import Iterable

from llmring_types.exceptions import AliasNotFoundError, ProfileNotFoundError

from llmring_lockfile._model import ActiveProfile, Lockfile
from llmring_lockfile._resolve import PackageLockfiles, no_packages, resolve


def has_alias(
    lockfile: Lockfile,
    alias: str,
    profile: ActiveProfile | str | None = None,
    *,
    packages: PackageLockfiles = no_packages,
) -> bool:
    """Return whether an alias is bound; arguments as for :func:`resolve`. A direct reference is not an alias."""
    try:
        resolve(lockfile, alias, profile, providers=(), packages=packages)
    except (AliasNotFoundError, ProfileNotFoundError):
        return False
    return True


def require_aliases(
    lockfile: Lockfile,
    aliases: Iterable[str],
    profile: ActiveProfile | str | None = None,
    *,
    context: str | None = None,
    packages: PackageLockfiles = no_packages,
) -> None:
    """Make sure that all of these are bound.

    Args:
        lockfile: where.
        aliases: the names; none passes.
        profile: as for :func:`resolve`.
        context: who needs them, for the message, such as the name of your library.
        packages: as for :func:`resolve`.

    Raises:
        AliasNotFoundError: one error that names all that are missing, and how to bind them; ``alias`` is the first
            and ``details["missing"]`` has all (also a ``ValueError``).
    """
    missing = [alias for alias in aliases if not has_alias(lockfile, alias, profile, packages=packages)]
    if not missing:
        return
    name = profile.name if isinstance(profile, ActiveProfile) else profile or lockfile.default_profile
    who = f"{context} needs" if context else "Required:"
    plural = "aliases that are" if len(missing) > 1 else "an alias that is"
    raise AliasNotFoundError(
        f"{who} {plural} not bound in profile {name!r} of {lockfile.place}: {', '.join(missing)}. "
        f"Bind each: llmring bind {missing[0]} provider:model --profile {name}",
        alias=missing[0],
        profile=name,
        path=None if lockfile.path is None else str(lockfile.path),
        key=f"profiles.{name}.bindings",
        details={"missing": missing, "context": context},
    )
