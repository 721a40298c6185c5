"""The errors of names that nothing is bound to: what was looked in, what is near, how to bind."""

from llmring_types.exceptions import AliasNotFoundError

from llmring_lockfile._files import BUNDLED
from llmring_lockfile._model import Lockfile, Profile
from llmring_lockfile._names import nearest


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
    sentences = [f"the alias {asked!r} is not bound in profile {profile.name!r} of {lockfile.place}."]
    near = nearest(alias, profile.aliases)
    if near:
        sentences.append(f"Did you mean {' or '.join(map(repr, near))}?")
    else:
        sentences.append(f"Bound there: {', '.join(profile.aliases) or 'nothing'}.")
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


def not_extended(asked: str, prefix: str, profile: str, lockfile: Lockfile) -> AliasNotFoundError:
    extends = ", ".join(lockfile.extends) or "nothing"
    return AliasNotFoundError(
        f"{asked!r} is not bound in profile {profile!r} of {lockfile.place}, and {prefix!r} is neither a known "
        f"provider nor a package that the lockfile extends (it extends {extends}). Add the package to [extends] "
        f"packages, or bind the name: llmring bind {asked} provider:model --profile {profile}",
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
