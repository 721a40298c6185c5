"""``llmring lock update`` and ``bump-registry``: the lockfile and the facts about its models now."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from llmring_lockfile import Lockfile, diff, editing, lock_models
from llmring_types.exceptions import RegistryError, RegistryStaleError, RegistryValidationError

from llmring_cli._lockfiles import changes_json, print_changes, read_lockfile, shown
from llmring_cli._models import KnownModels, Offline, RegistryUrl, known_models, pool_providers
from llmring_cli._output import (
    UNREACHABLE,
    CommandError,
    count_text,
    print_json,
    report,
)
from llmring_cli._parameters import Flag, Json, LockfilePath

if TYPE_CHECKING:
    pass


def update(
    *,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    allow_older: Flag = False,
    json: Json = False,
) -> None:
    """Record the current facts about the models in the lockfile.

    Limits, prices, capabilities and dates of every model of every pool. lock audit later reports what has changed
    since. Exit code 3 if the registry cannot be reached; nothing is written then. A registry that is older than the
    one that the lockfile has facts of is refused.

    $ llmring lock update

    Args:
        allow_older: Accept facts that are older than those in the lockfile, or changed without a new version.
    """
    source = read_lockfile(lockfile)
    providers = pool_providers(source.lockfile)
    known = known_models(providers, url=registry, offline=offline, allow_older=allow_older)
    _raise_unreachable(known)
    with editing(source.path) as document:
        before = document.lockfile
        releases = {name: known.release(name) for name in pool_providers(before)}
        try:
            document.set_locked(lock_models(before, known.facts, releases, allow_older=allow_older))
        except (RegistryStaleError, RegistryValidationError) as error:
            raise CommandError(f"{error}. To accept it: llmring lock update --allow-older") from error
    _report(source.path, before, document.lockfile, json=json)
    if not json:
        locked = document.lockfile.locked
        unlisted = [name for name, entry in locked.items() if not entry.listed]
        unknown = f"; not in the registry: {', '.join(unlisted)}" if unlisted else ""
        report(f"{count_text(len(locked) - len(unlisted), 'model')} locked in {shown(source.path)}{unknown}")


def bump_registry(
    *,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Pin each profile to the current registry versions.

    A profile is pinned for the providers in its pools. Exit code 3 if the registry cannot be reached; nothing is
    written then.

    $ llmring lock bump-registry
    """
    source = read_lockfile(lockfile)
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
    _raise_unreachable(known)
    with editing(source.path) as document:
        before = document.lockfile
        for profile in before.profiles.values():
            providers = {ref.provider for binding in profile.bindings for ref in binding.models}
            document.set_registry_versions(_versions(known, providers), profile=profile.name)
    _report(source.path, before, document.lockfile, json=json)
    if not json:
        report(
            f"pinned in {shown(source.path)}"
            if document.changed
            else "every profile is pinned to the current versions"
        )


def _versions(known: KnownModels, providers: Iterable[str]) -> dict[str, int]:
    versions = {name: known.release(name).version for name in sorted(providers)}
    return {name: version for name, version in versions.items() if version is not None}


def _raise_unreachable(known: KnownModels) -> None:
    failures: list[RegistryError] = list(known.failures.values())
    if failures and isinstance(failures[0], RegistryStaleError):
        raise CommandError(
            f"nothing was written: {failures[0]}. To accept it: llmring lock update --allow-older"
        )
    if failures:
        raise CommandError(
            f"nothing was written: {failures[0]}. To use local data: --offline",
            exit_code=UNREACHABLE,
        )


def _report(path: Path, before: Lockfile, after: Lockfile, *, json: bool) -> None:
    changes = diff(before, after)
    if json:
        print_json({"lockfile": str(path), "changes": changes_json(changes)})
    else:
        print_changes(changes)
