"""Checks of a lockfile and the packages it extends on their own, without a registry."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

import msgspec
from llmring_types.exceptions import LockfileError

from llmring_lockfile._findings import Finding, Place, Severity, has_errors
from llmring_lockfile._lock import members
from llmring_lockfile._model import Binding, Constraints, Lockfile
from llmring_lockfile._names import (
    KNOWN_PROVIDERS,
    did_you_mean,
    is_reference,
    near_providers,
    nearest,
    normal_package,
)
from llmring_lockfile._resolve import PackageLockfiles, no_packages


class Check(msgspec.Struct, frozen=True):
    """The result of :func:`check`.

    Attributes:
        findings: errors, warnings and notes.
        packages: by extended package, the aliases of its default profile; ``None`` where it has no lockfile.
        aliases: by profile, the aliases of the lockfile.
    """

    findings: tuple[Finding, ...]
    packages: Mapping[str, tuple[str, ...] | None]
    aliases: Mapping[str, tuple[str, ...]]

    @property
    def ok(self) -> bool:
        return not has_errors(self.findings)


def check(
    lockfile: Lockfile,
    *,
    packages: PackageLockfiles = no_packages,
    providers: Collection[str] = KNOWN_PROVIDERS,
) -> Check:
    """Look for what cannot work or is not meant, with nothing but the files.

    Args:
        lockfile: the lockfile; that it could be parsed proves its structure.
        packages: gives packages' lockfiles; :func:`installed_lockfile` looks at what is installed.
        providers: the names of all providers; the hosts that the lockfile names are further ones.
    """
    providers = frozenset(providers) | lockfile.hosts.keys()
    findings: list[Finding] = []
    shipped = dict(_packages(lockfile, packages, findings))
    findings += _shared(shipped)
    findings += _bindings(lockfile, shipped, providers)
    findings += _members(lockfile, providers)
    findings += _lock(lockfile)
    return Check(
        tuple(findings),
        {name: None if inner is None else inner.profile().aliases for name, inner in shipped.items()},
        {name: profile.aliases for name, profile in lockfile.profiles.items()},
    )


def _packages(
    lockfile: Lockfile, packages: PackageLockfiles, findings: list[Finding]
) -> Iterator[tuple[str, Lockfile | None]]:
    for place, package in enumerate(lockfile.extends):
        found: Lockfile | None = None
        rule, message = "package-missing", f"{package} is not installed or ships no llmring.lock"
        try:
            found = packages(package)
            if found is not None:
                found.profile()
        except LockfileError as error:
            found, rule, message = None, "package-broken", f"{package}: {error}"
        if found is None:
            where = Place(path=("extends", "packages", place))
            findings.append(Finding(rule=rule, severity=Severity.ERROR, message=message, places=(where,)))
        yield package, found


def _shared(shipped: Mapping[str, Lockfile | None]) -> Iterator[Finding]:
    owners: dict[str, list[str]] = defaultdict(list)
    for package, lockfile in shipped.items():
        for alias in () if lockfile is None else lockfile.profile().aliases:
            owners[alias].append(package)
    for alias, names in owners.items():
        if len(names) > 1:
            spelled = ", ".join(f"{name}:{alias}" for name in names)
            yield Finding(
                rule="alias-shared",
                severity=Severity.WARNING,
                message=f"{alias} is defined by {' and '.join(names)}; write {spelled}",
                places=(Place(path=("extends", "packages")),),
            )


def _bindings(
    lockfile: Lockfile, shipped: Mapping[str, Lockfile | None], providers: Collection[str]
) -> Iterator[Finding]:
    by_name = {normal_package(name): found for name, found in shipped.items()}
    for profile in lockfile.profiles.values():
        for row, binding in enumerate(profile.bindings):
            path = ("profiles", profile.name, "bindings", row)
            where = Place(path=(*path, "alias"), profile=profile.name, alias=binding.alias)
            if is_reference(binding.alias, providers):
                yield Finding(
                    rule="alias-unreachable",
                    severity=Severity.ERROR,
                    message=f"{binding.alias} is read as a direct reference, so this binding is never used",
                    places=(where,),
                )
            elif ":" in binding.alias:
                yield from _override(binding, by_name, where)
            yield from _constraints(
                binding, Place(path=(*path, "constraints"), profile=profile.name, alias=binding.alias)
            )


def _override(binding: Binding, shipped: Mapping[str, Lockfile | None], where: Place) -> Iterator[Finding]:
    package, _, alias = binding.alias.partition(":")
    name = normal_package(package)
    found = shipped.get(name)
    if name not in shipped:
        message = f"{binding.alias} overrides an alias of {package}, which is not in [extends] packages"
    elif found is not None and not any(table.binding(alias) for table in found.profiles.values()):
        message = f"{binding.alias} overrides an alias that {package} does not define"
    else:
        return
    yield Finding(rule="override-unused", severity=Severity.WARNING, message=message, places=(where,))


def _constraints(binding: Binding, where: Place) -> Iterator[Finding]:
    known = [name for name in Constraints.__struct_fields__ if name != "other"]
    for key in binding.constraints.other:
        hint = did_you_mean(nearest(key, known, most=1))
        yield Finding(
            rule="unknown-constraint",
            severity=Severity.WARNING,
            message=f"{binding.alias}: the constraint {key} means nothing{hint}",
            places=(where,),
        )


def _members(lockfile: Lockfile, providers: Collection[str]) -> Iterator[Finding]:
    seen: set[tuple[str, str, str]] = set()
    for member in members(lockfile):
        name = str(member.model)
        if member.model.provider not in providers:
            near = near_providers(member.model.provider, providers)
            hint = did_you_mean(near, f"known are {', '.join(sorted(providers))}")
            yield Finding(
                rule="provider-unknown",
                severity=Severity.WARNING,
                message=f"{name}: no provider {member.model.provider} is known{hint}",
                model=name,
                places=(Place.of(member),),
            )
        if (member.profile, member.alias, name) in seen:
            yield Finding(
                rule="member-twice",
                severity=Severity.WARNING,
                message=f"{name} occurs twice in the pool of {member.alias}; it is tried once",
                model=name,
                places=(Place.of(member),),
            )
        seen.add((member.profile, member.alias, name))


def _lock(lockfile: Lockfile) -> Iterator[Finding]:
    if not lockfile.locked:  # locking is a choice; only a part of it is a mistake
        return
    pooled: dict[str, list[Place]] = defaultdict(list)
    for member in members(lockfile):
        pooled[str(member.model)].append(Place.of(member))
    for name, places in pooled.items():
        if name not in lockfile.locked:
            yield Finding(
                rule="not-locked",
                severity=Severity.WARNING,
                message=f"{name} is not locked; run: llmring lock update",
                model=name,
                places=tuple(places),
            )
    for name in lockfile.locked:
        if name not in pooled:
            yield Finding(
                rule="unused-lock",
                severity=Severity.NOTE,
                message=f"{name} is locked but in no pool",
                model=name,
                places=(Place(path=("locked", name)),),
            )
