"""Alias and profile to an ordered pool. Pure: what it needs of the world is passed in."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from llmring_types import ModelRef
from llmring_types.exceptions import AliasNotFoundError, LockfileError, ProfileNotFoundError

from llmring_lockfile._model import ActiveProfile, Binding, Lockfile, Profile
from llmring_lockfile._names import KNOWN_PROVIDERS, is_reference, same_package
from llmring_lockfile._resolution import Explanation, Resolution, Step, not_bound, not_extended, not_installed

PackageLockfiles = Callable[[str], Lockfile | None]
"""Gives the lockfile that a package ships, or ``None``."""


def no_packages(_package: str) -> None:
    """For resolution without extended packages."""


def resolve(
    lockfile: Lockfile,
    name: str,
    profile: ActiveProfile | str | None = None,
    *,
    providers: Collection[str] = KNOWN_PROVIDERS,
    packages: PackageLockfiles = no_packages,
) -> Resolution:
    """Find the pool that a name stands for.

    * ``provider:model`` with a known provider is itself.
    * ``alias`` is looked up in the profile. Profiles do not inherit.
    * ``package:alias`` is looked up in the profile as it stands (the consumer's override), then, if ``[extends]``
      lists the package, in the lockfile that the package ships: in the profile of the same name if one was chosen,
      else in that lockfile's default profile. What the package itself extends does not count.

    Args:
        lockfile: the consumer's.
        name: what the user wrote.
        profile: a name counts as chosen; ``None`` is the lockfile's default. See :func:`active_profile`.
        providers: names that make a direct reference, in lower case.
        packages: gives packages' lockfiles; :class:`Resolver` passes one that looks at what is installed.

    Raises:
        AliasNotFoundError: not bound. The message lists near names and says how to bind (also a ``ValueError``).
        ProfileNotFoundError: there is no such profile (also a ``ValueError``).
        ModelReferenceError: a known provider without a model (also a ``ValueError``).
    """
    return _Search(lockfile, name, profile, packages, providers).run()


def explain(
    lockfile: Lockfile,
    name: str,
    profile: ActiveProfile | str | None = None,
    *,
    providers: Collection[str] = KNOWN_PROVIDERS,
    packages: PackageLockfiles = no_packages,
) -> Explanation:
    """As :func:`resolve`, but report every step; a name that cannot be resolved is reported, too, not raised.

    Raises:
        ModelReferenceError: a known provider without a model (also a ``ValueError``).
    """
    search = _Search(lockfile, name, profile, packages, providers)
    try:
        found = search.run()
    except LockfileError as error:
        return Explanation(name, tuple(search.steps), error=error)
    return Explanation(name, found.steps, found)


class _Search:
    """One resolution on its way; ``steps`` tell how far it came."""

    def __init__(
        self,
        lockfile: Lockfile,
        name: str,
        profile: ActiveProfile | str | None,
        packages: PackageLockfiles,
        providers: Collection[str],
    ) -> None:
        self.lockfile = lockfile
        self.name = name
        self.active = _active(lockfile, profile)
        self.packages = packages
        self.providers = providers
        self.steps: list[Step] = []

    def run(self) -> Resolution:
        if is_reference(self.name, self.providers):
            model = ModelRef.parse(self.name)
            self._step("name", f"a direct reference to a model of {model.provider}")
            return Resolution(name=self.name, models=(model,), source="reference", steps=tuple(self.steps))
        self._step("profile", f"{self.active.name}, from the {self.active.origin}", self.lockfile)
        package, colon, alias = self.name.partition(":")
        return self._namespaced(package, alias) if colon else self._local()

    def _local(self) -> Resolution:
        profile = self.lockfile.profile(self.active.name)
        binding = profile.binding(self.name)
        if binding is None:
            raise not_bound(self.name, self.name, profile, self.lockfile)
        return self._found("binding", binding, profile, self.lockfile)

    def _namespaced(self, package: str, alias: str) -> Resolution:
        self._step("name", f"the alias {alias} of the package {package}")
        profile = self.lockfile.profiles.get(self.active.name)
        for binding in profile.bindings if profile else ():
            owner, _, inner = binding.alias.partition(":")
            if profile and inner == alias and same_package(owner, package):
                return self._found("override", binding, profile, self.lockfile)
        self._step("override", f"none in profile {self.active.name}", self.lockfile)
        listed = next((entry for entry in self.lockfile.extends if same_package(entry, package)), None)
        if listed is None or not alias:
            raise not_extended(self.name, package, self.active.name, self.lockfile, self.providers)
        self._step("extends", f"lists {listed}", self.lockfile)
        return self._shipped(listed, alias)

    def _shipped(self, package: str, alias: str) -> Resolution:
        lockfile = self.packages(package)
        if lockfile is None:
            raise not_installed(self.name, package, self.active.name, self.lockfile)
        profile = lockfile.profile(self.active.name if self.active.chosen else None)
        self._step("package's profile", profile.name, lockfile)
        binding = profile.binding(alias)
        if binding is None:
            raise not_bound(self.name, alias, profile, lockfile)
        return self._found("package", binding, profile, lockfile)

    def _found(
        self,
        source: Literal["binding", "override", "package"],
        binding: Binding,
        profile: Profile,
        lockfile: Lockfile,
    ) -> Resolution:
        models = tuple(dict.fromkeys(binding.models))
        pool = ", ".join(map(str, models))
        self._step(source, f"{binding.alias} in profile {profile.name} is {pool}", lockfile)
        return Resolution(
            name=self.name,
            models=models,
            source=source,
            binding=binding,
            profile=profile.name,
            path=lockfile.path,
            steps=tuple(self.steps),
        )

    def _step(self, question: str, answer: str, lockfile: Lockfile | None = None) -> None:
        self.steps.append(Step(question, answer, None if lockfile is None else lockfile.path))


def _active(lockfile: Lockfile, profile: ActiveProfile | str | None) -> ActiveProfile:
    if isinstance(profile, ActiveProfile):
        return profile
    if profile:
        return ActiveProfile(profile, "argument")
    return ActiveProfile(lockfile.default_profile, "default_profile")


def known_aliases(
    lockfile: Lockfile,
    profiles: Sequence[str] | None = None,
    *,
    packages: PackageLockfiles = no_packages,
) -> tuple[str, ...]:
    """Every name that resolves in at least one profile, sorted; ``package:alias`` for extended packages.

    Raises:
        ProfileNotFoundError: one of ``profiles`` does not exist.
    """
    tables = [lockfile.profile(name) for name in (lockfile.profiles if profiles is None else profiles)]
    names = {alias for table in tables for alias in table.aliases}
    for package in lockfile.extends:
        shipped = packages(package)
        for table in () if shipped is None else shipped.profiles.values():
            if profiles is None or table.name in profiles:
                names.update(f"{package}:{alias}" for alias in table.aliases)
    return tuple(sorted(names))


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
