"""``llmring lock update``, ``bump-registry`` and ``upgrade``: the lockfile and what is known of its models now."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from llmring_lockfile import Lockfile, Upgrade, apply_upgrades, diff, editing, lock_models, propose_upgrades
from llmring_types.exceptions import RegistryError, RegistryStaleError, RegistryValidationError

from llmring_cli._lockfiles import Source, changes_json, print_changes, read_lockfile, shown
from llmring_cli._models import KnownModels, Offline, RegistryUrl, known_models, pool_providers, price_text
from llmring_cli._output import (
    UNREACHABLE,
    CommandError,
    confirm,
    count_text,
    print_json,
    print_line,
    report,
    report_text,
)
from llmring_cli._parameters import Alias, Count, Flag, Json, LockfilePath, today

if TYPE_CHECKING:
    from llmring_lockfile import Document


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
    known = known_models(pool_providers(source.lockfile), url=registry, offline=offline)
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


def upgrade(
    alias: Alias | None = None,
    /,
    *,
    profile: str | None = None,
    days: Count = 90,
    yes: Annotated[Flag, Parameter(alias="-y")] = False,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Propose successors for outdated models.

    Outdated models are retired, retiring or superseded. Changes are written after a confirmation, or with
    --yes. Exit code 3 if the registry cannot be reached.

    $ llmring lock upgrade
    $ llmring lock upgrade summarizer --yes

    Args:
        alias: Only this alias.
        profile: Only this profile.
        days: Treat models as outdated this many days before their retirement.
        yes: Write without confirmation.
    """
    source = read_lockfile(lockfile)
    _require_bound(source.lockfile, alias, profile)
    providers = pool_providers(source.lockfile)
    known = known_models(providers, url=registry, offline=offline)
    if known.failures:
        raise CommandError(
            f"nothing can be proposed: {next(iter(known.failures.values()))}", exit_code=UNREACHABLE
        )
    upgrades = propose_upgrades(
        source.lockfile,
        [facts for name in sorted(providers) for facts in known.registry.models(name)],
        today=today(),
        within_days=days,
        alias=alias,
        profile=profile,
    )
    if not json:
        _show(upgrades)
    written = _write(source, known, upgrades, yes=yes, ask=not json)
    if json:
        rows = [_plain(upgrade) for upgrade in upgrades]
        print_json({"lockfile": str(source.path), "upgrades": rows, "written": written})


def _require_bound(lockfile: Lockfile, alias: str | None, profile: str | None) -> None:
    profiles = lockfile.profiles.values() if profile is None else [lockfile.profile(profile)]
    if alias is not None and not any(one.binding(alias) for one in profiles):
        where = "in any profile" if profile is None else f"in profile {profile}"
        raise CommandError(
            f"the alias {alias!r} is not bound {where}. To list the bound ones: llmring aliases"
        )


def _write(source: Source, known: KnownModels, upgrades: Sequence[Upgrade], *, yes: bool, ask: bool) -> bool:
    if not any(upgrade.successor for upgrade in upgrades):
        report("nothing to upgrade" if not upgrades else "no successor fits. To choose one: llmring bind")
        return False
    from llmring_lockfile import Document, editing  # noqa: PLC0415 - mostly there is nothing to write

    draft = Document(source.text, shown(source.path))
    _apply(draft, known, upgrades)
    if ask:
        report_text(draft.diff().rstrip())
    if not yes and not (ask and confirm(f"write this to {shown(source.path)}?")):
        report("nothing was written. To write without confirmation: --yes")
        return False
    with editing(source.path) as document:
        _apply(document, known, upgrades)
    report(f"wrote {shown(source.path)}")
    return True


def _apply(document: "Document", known: KnownModels, upgrades: Sequence[Upgrade]) -> None:
    """Put the successors in; where models are locked, lock them too."""
    apply_upgrades(document, upgrades)
    if document.lockfile.locked:
        new = {upgrade.successor for upgrade in upgrades if upgrade.successor is not None}
        releases = {ref.provider: known.release(ref.provider) for ref in new}
        document.set_locked(lock_models(document.lockfile, known.facts, releases, refresh=new))


def _show(upgrades: Sequence[Upgrade]) -> None:
    for upgrade in upgrades:
        before, after = upgrade.prices, upgrade.successor_prices
        prices = ""
        if upgrade.successor is not None:
            prices = (
                f"; ${price_text(before.input)}/${price_text(before.output)} -> "
                f"${price_text(after.input)}/${price_text(after.output)} per million tokens"
            )
        print_line(f"{upgrade}{prices}")


def _plain(upgrade: Upgrade) -> dict[str, Any]:
    return {
        "profile": upgrade.profile,
        "alias": upgrade.alias,
        "model": str(upgrade.model),
        "reason": upgrade.reason,
        "successor": None if upgrade.successor is None else str(upgrade.successor),
        "why": upgrade.why,
    }
