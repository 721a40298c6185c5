"""Answers of resolution, as values, and the errors of names that nothing is bound to."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import AliasNotFoundError, LockfileError, UnknownProviderError

from llmring_lockfile._files import BUNDLED
from llmring_lockfile._model import NO_CONSTRAINTS, Binding, Constraints, Lockfile, Profile
from llmring_lockfile._names import did_you_mean, near_providers, nearest


class Step(msgspec.Struct, frozen=True):
    """One step of a resolution: what was looked at, what came of it, and in which file."""

    question: str
    answer: str
    path: Path | None = None

    def __str__(self) -> str:
        where = "" if self.path is None else f" ({self.path})"
        return f"{self.question}: {self.answer}{where}"


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """The models that a name stands for.

    Attributes:
        name: as asked.
        models: the models to try, best first, each once. Never empty, and never one outside the pool.
        source: ``reference`` for a direct ``provider:model``, ``binding`` for an alias of the lockfile, ``override``
            for its binding of ``package:alias``, ``package`` for the package's own.
        binding: the binding; ``None`` for a direct reference.
        profile: where the binding is; ``None`` for a direct reference.
        path: the lockfile that the binding is in.
        steps: how it was found.
    """

    name: str
    models: tuple[ModelRef, ...]
    source: Literal["reference", "binding", "override", "package"]
    binding: Binding | None = None
    profile: str | None = None
    path: Path | None = None
    steps: tuple[Step, ...] = ()

    @property
    def constraints(self) -> Constraints:
        """The demands of the binding; none for a direct reference."""
        return NO_CONSTRAINTS if self.binding is None else self.binding.constraints

    @property
    def is_alias(self) -> bool:
        return self.binding is not None


class Explanation(msgspec.Struct, frozen=True):
    """The steps of a resolution, up to its end or its failure.

    Attributes:
        name: as asked.
        steps: in order, with the file of each.
        resolution: the answer; ``None`` when there is none.
        error: why there is none.
    """

    name: str
    steps: tuple[Step, ...]
    resolution: Resolution | None = None
    error: LockfileError | None = None

    def __str__(self) -> str:
        lines = [str(step) for step in self.steps]
        return "\n".join(lines if self.error is None else [*lines, f"error: {self.error}"])


def not_bound(asked: str, alias: str, profile: Profile, lockfile: Lockfile) -> AliasNotFoundError:
    """``asked`` is what the user wrote, ``alias`` what was looked for in this lockfile."""
    if lockfile.path == BUNDLED:
        return AliasNotFoundError(
            f"the alias {asked!r} is not bound: no llmring.lock was found, and the bundled one has only "
            f"{', '.join(profile.aliases)}. Create one with: llmring lock init. "
            f"Then bind it: llmring bind {asked} provider:model",
            alias=asked,
            profile=profile.name,
            path=_path(lockfile),
        )
    near = nearest(alias, profile.aliases)
    hint = did_you_mean(near, f"bound there: {', '.join(profile.aliases) or 'nothing'}.")
    sentences = [f"the alias {asked!r} is not bound in profile {profile.name!r} of {lockfile.place}{hint}"]
    elsewhere = [other.name for other in lockfile.profiles.values() if other.binding(alias)]
    if elsewhere:
        sentences.append(f"It is bound in {', '.join(elsewhere)}, but profiles do not inherit.")
    sentences.append(f"Bind it: llmring bind {asked} provider:model --profile {profile.name}")
    return AliasNotFoundError(
        " ".join(sentences),
        alias=asked,
        profile=profile.name,
        path=_path(lockfile),
        key=f"profiles.{profile.name}.bindings",
    )


def not_extended(
    asked: str, prefix: str, profile: str, lockfile: Lockfile, providers: Collection[str]
) -> AliasNotFoundError:
    """Return the error for a prefix that is neither a provider nor a package; near names of both are suggested."""
    near = [
        f"{name}:{asked.partition(':')[2]}"
        for name in near_providers(prefix, {*providers, *lockfile.extends})
    ]
    hint = did_you_mean(near) or "."
    if lockfile.path == BUNDLED:
        problem = (
            f"{prefix!r} in {asked!r} is not a known provider{hint} To list the providers: llmring hosts"
        )
    else:
        extends = ", ".join(lockfile.extends) or "nothing"
        problem = (
            f"{asked!r} is not bound in profile {profile!r} of {lockfile.place}, and {prefix!r} is neither a known "
            f"provider nor a package that the lockfile extends (it extends {extends}){hint} Add the package to "
            f"[extends] packages, or bind the name: llmring bind {asked} provider:model --profile {profile}"
        )
    return UnknownProviderError(
        problem,
        alias=asked,
        profile=profile,
        path=_path(lockfile),
        key="extends.packages",
    )


def not_installed(asked: str, package: str, profile: str, lockfile: Lockfile) -> AliasNotFoundError:
    return AliasNotFoundError(
        f"{asked!r}: the package {package!r}, which {lockfile.place} extends, is not installed here or ships no "
        f"llmring.lock. Install it, or bind the name: llmring bind {asked} provider:model --profile {profile}",
        alias=asked,
        profile=profile,
        path=_path(lockfile),
        key="extends.packages",
    )


def _path(lockfile: Lockfile) -> str | None:
    return None if lockfile.path is None else str(lockfile.path)
