"""Record what is true of the models in the pools, and tell embedding models apart."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import llmring_types
import msgspec
from llmring_types import ModelFacts, ModelRef, Prices
from llmring_types.exceptions import RegistryStaleError, RegistryValidationError

from llmring_lockfile._model import Binding, LockedModel, Lockfile
from llmring_lockfile._names import KeyPath

FactsOf = Callable[[ModelRef], ModelFacts | None]
"""Gives what is known of a model, ``None`` where the registry does not list it.

It raises :class:`llmring_types.exceptions.RegistryError` where the registry cannot say: that is not the same.
"""

CAPABILITIES: Final = tuple(sorted(llmring_types.CAPABILITIES))
PRICE_FIELDS: Final = tuple(
    name for name in Prices.__struct_fields__ if name not in ("source", "long_threshold")
)
LIMIT_FIELDS: Final = ("context_window", "max_output_tokens")
"""The fields of :class:`llmring_types.ModelFacts` that are locked, sorted."""


class RegistryRelease(msgspec.Struct, frozen=True):
    """The version of a provider's registry that facts come from, and the digest of its content."""

    version: int | None = None
    digest: str | None = None


_NO_RELEASE = RegistryRelease()


class Member(msgspec.Struct, frozen=True):
    """One place of one pool."""

    profile: str
    binding: Binding
    model: ModelRef
    path: KeyPath

    @property
    def alias(self) -> str:
        return self.binding.alias


def members(lockfile: Lockfile) -> Iterator[Member]:
    """Every place of every pool of every profile, in the order of the file."""
    for profile in lockfile.profiles.values():
        for row, binding in enumerate(profile.bindings):
            for place, model in enumerate(binding.models):
                path = ("profiles", profile.name, "bindings", row, "models", place)
                yield Member(profile.name, binding, model, path)


def lock_models(
    lockfile: Lockfile,
    facts: FactsOf,
    releases: Mapping[str, RegistryRelease] | None = None,
    *,
    refresh: Collection[ModelRef] | None = None,
    allow_older: bool = False,
) -> dict[str, LockedModel]:
    """Return the record of every model in the pools, for :meth:`Document.set_locked`.

    An entry whose facts are the same as before stays as it is, with the registry version that first said so: a review
    shows what changed in the models, not that the registry was published again.

    Args:
        lockfile: its pools, and what it has locked before.
        facts: what is known of a model now.
        releases: by provider, where the facts come from.
        refresh: models to look at again; the others keep their entry where they have one. ``None`` is all.
        allow_older: take facts of a release that is older than those locked.

    Raises:
        RegistryStaleError: a release is older than the one that facts were locked from.
        RegistryValidationError: it has the same number and other content.
        RegistryError: the registry cannot say; nothing is recorded as unlisted for that.
    """
    if not allow_older:
        _check_releases(lockfile, releases or {})
    locked = {}
    for model in sorted({member.model for member in members(lockfile)}):
        name = str(model)
        before = lockfile.locked.get(name)
        if before is not None and refresh is not None and model not in refresh:
            locked[name] = before
            continue
        now = locked_model(facts(model), (releases or {}).get(model.provider))
        locked[name] = before if before is not None and _same_facts(before, now) else now
    return locked


def _check_releases(lockfile: Lockfile, releases: Mapping[str, RegistryRelease]) -> None:
    """Refuse what an attacker, or a mirror that lags, might publish in place of what was locked."""
    for name, entry in lockfile.locked.items():
        provider = ModelRef.parse(name).provider
        now = releases.get(provider, _NO_RELEASE)
        if now.version is None or entry.registry_version is None:
            continue
        if now.version < entry.registry_version:
            raise RegistryStaleError(
                f"the registry went back in time: it has version {now.version} of {provider}, and {name} was locked "
                f"from version {entry.registry_version}. Nothing was locked",
                provider=provider,
            )
        digests = {now.digest, entry.registry_digest} - {None}
        if now.version == entry.registry_version and len(digests) > 1:
            raise RegistryValidationError(
                f"version {now.version} of {provider} in the registry is not the version {now.version} that {name} "
                f"was locked from: its content has another digest. Nothing was locked"
            )


def locked_model(facts: ModelFacts | None, release: RegistryRelease | None = None) -> LockedModel:
    """The entry for one model; ``None`` is a model that the registry does not list."""
    version, digest = (None, None) if release is None else (release.version, release.digest)
    if facts is None:
        return LockedModel(listed=False, registry_version=version, registry_digest=digest)
    return LockedModel(
        snapshot=facts.model,
        context_window=facts.context_window,
        max_output_tokens=facts.max_output_tokens,
        capabilities=capabilities(facts),
        prices=facts.prices,
        active=False if facts.active is False else None,
        retires_on=facts.retires_on,
        registry_version=version,
        registry_digest=digest,
    )


def capabilities(facts: ModelFacts) -> tuple[str, ...]:
    """Return the known capabilities of a model, sorted."""
    return tuple(sorted(facts.capabilities))


def _same_facts(one: LockedModel, other: LockedModel) -> bool:
    return without_release(one) == without_release(other)


def without_release(entry: LockedModel) -> LockedModel:
    return msgspec.structs.replace(entry, registry_version=None, registry_digest=None)


def embedding_model(model: ModelRef, locked: LockedModel | None) -> str | None:
    """Return the name of an embedding model without its host, by which two hosts of the same model are known.

    ``openrouter:openai/text-embedding-3-small`` is OpenAI's own. A model that no registry lists goes by the name in the
    pool; ``None`` where nothing was locked.
    """
    if locked is None:
        return None
    return (locked.snapshot or model.model).rpartition("/")[2].lower()
