"""The content of a lockfile, as values. Nothing here reads or writes."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
from llmring_types import ModelRef, Prices
from llmring_types.exceptions import ProfileNotFoundError

from llmring_lockfile._constraints import Constraints

LOCKFILE_NAME = "llmring.lock"
FORMAT_VERSION = "1.0"
DEFAULT_PROFILE = "default"


class Binding(msgspec.Struct, frozen=True):
    """An alias and its pool: the models to try, best first. The pool is never empty."""

    alias: str
    models: tuple[ModelRef, ...]
    constraints: Constraints = Constraints()

    @property
    def primary(self) -> ModelRef:
        return self.models[0]


class Profile(msgspec.Struct, frozen=True, dict=True):
    """A named set of bindings. Profiles do not inherit from each other.

    Attributes:
        name: the key of its table.
        bindings: in the order of the file; an alias occurs once.
        registry_versions: provider to the registry version that was current when it was pinned.
    """

    name: str
    bindings: tuple[Binding, ...] = ()
    registry_versions: Mapping[str, int] = msgspec.field(default_factory=dict)

    def binding(self, alias: str) -> Binding | None:
        """The binding of an alias; ``None`` where it is not bound."""
        return self._by_alias.get(alias)

    @cached_property
    def _by_alias(self) -> dict[str, Binding]:
        return {binding.alias: binding for binding in self.bindings}

    @property
    def aliases(self) -> tuple[str, ...]:
        return tuple(binding.alias for binding in self.bindings)


class ActiveProfile(msgspec.Struct, frozen=True):
    """A profile's name and why it is this one. ``chosen`` is false for a lockfile's own default."""

    name: str
    origin: Literal["argument", "environment", "default_profile"]

    @property
    def chosen(self) -> bool:
        return self.origin != "default_profile"


class LockedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts about a model when it was locked. ``None`` means that the registry did not say.

    Attributes:
        listed: ``False`` when the registry did not know the model; then the rest is empty.
        snapshot: the provider's exact name of what the reference stood for.
        context_window: most input tokens of one call.
        max_output_tokens: most output tokens of one call.
        capabilities: those it was known to have, sorted; names of :class:`llmring_types.ModelFacts` fields.
        prices: US dollars per million tokens.
        active: ``False`` when the provider had retired it already.
        retires_on: the day from which the provider no longer serves it.
        registry_version: the provider's registry version that these facts were first seen in.
        registry_digest: digest of that version's content.
    """

    listed: bool = True
    snapshot: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    prices: Prices = msgspec.field(default_factory=Prices)
    active: bool | None = None
    retires_on: date | None = None
    registry_version: int | None = None
    registry_digest: str | None = None


class Lockfile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole lockfile.

    Attributes:
        version: of the format.
        created_at: ISO 8601, as the file has it.
        updated_at: ISO 8601, as the file has it.
        default_profile: used where neither an argument nor the environment names one.
        metadata: anything; never read here.
        extends: packages whose aliases may be used as ``package:alias``.
        profiles: by name, in the order of the file.
        locked: what was recorded of each model, by ``provider:model``.
        path: the file it was read from; ``None`` for text from elsewhere. Not part of the content.
    """

    version: str = FORMAT_VERSION
    created_at: str | None = None
    updated_at: str | None = None
    default_profile: str = DEFAULT_PROFILE
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    extends: tuple[str, ...] = ()
    profiles: Mapping[str, Profile] = msgspec.field(default_factory=dict)
    locked: Mapping[str, LockedModel] = msgspec.field(default_factory=dict)
    path: Path | None = None

    def profile(self, name: str | None = None) -> Profile:
        """The profile of this name, or the default one.

        Raises:
            ProfileNotFoundError: there is none of this name (also a ``ValueError``).
        """
        wanted = name or self.default_profile
        profile = self.profiles.get(wanted)
        if profile is None:
            known = ", ".join(self.profiles) or "none"
            raise ProfileNotFoundError(
                f"there is no profile {wanted!r} in {self.place}. Its profiles: {known}. "
                f"Binding an alias with this profile creates it",
                path=None if self.path is None else str(self.path),
                key=f"profiles.{wanted}",
            )
        return profile

    @property
    def place(self) -> str:
        """The origin, for messages."""
        return "the lockfile" if self.path is None else str(self.path)
