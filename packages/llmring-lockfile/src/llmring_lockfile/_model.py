"""The content of a lockfile, as values. Nothing here reads or writes."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from llmring_types import ModelFacts, ModelRef, Prices
from llmring_types.exceptions import AliasNotFoundError, ProfileNotFoundError

Need = Literal["vision", "tools", "json_schema", "reasoning", "documents", "audio"]
"""A capability that a binding may need; each is a field of :class:`llmring_types.ModelFacts`."""

NEEDS: tuple[Need, ...] = get_args(Need)

LOCKFILE_NAME = "llmring.lock"
FORMAT_VERSION = "1.0"
DEFAULT_PROFILE = "default"


class Constraints(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ``constraints`` table of a binding. Absent means: no demand.

    Attributes:
        needs: capabilities that every member must have.
        min_context: least context window, in tokens, for request and answer together.
        max_cost_usd: most that one call may cost, in US dollars.
        budget_usd: most that all calls of the alias may cost together, in US dollars, counted by whoever makes them.
        timeout_s: limit of one attempt, in seconds.
        dimensions: length of the vectors of an index that the alias embeds for: requests for another length are
            refused, and another model is a finding of the audit.
        other: keys of the table that this version does not know. They are kept and mean nothing.

    Raises:
        ValueError: a number that is not finite, or not above 0.
    """

    needs: tuple[Need, ...] = ()
    min_context: int | None = None
    max_cost_usd: Decimal | None = None
    budget_usd: Decimal | None = None
    timeout_s: float | None = None
    dimensions: int | None = None
    other: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("min_context", "max_cost_usd", "budget_usd", "timeout_s", "dimensions"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number above 0; got {value}")
        for need in self.needs:
            if need not in NEEDS:
                raise ValueError(f"unknown need {need!r}: expected one of {', '.join(NEEDS)}")

    def __bool__(self) -> bool:
        return self != NO_CONSTRAINTS


NO_CONSTRAINTS = Constraints()


class UnmetNeed(msgspec.Struct, frozen=True):
    """A demand that a model does not meet, or is not known to meet.

    Attributes:
        need: ``vision``, ``min_context`` and so on.
        wanted: ``True`` for a capability, tokens for ``min_context``.
        actual: what the model has; ``None`` where that is unknown.
    """

    need: str
    wanted: bool | int
    actual: bool | int | None

    @property
    def certain(self) -> bool:
        """True if the model is known to fall short: only then may it be passed over at run time."""
        return self.actual is not None

    def __str__(self) -> str:
        if self.need == "min_context":
            have = "an unknown context window" if self.actual is None else f"{self.actual} tokens of context"
            return f"needs {self.wanted} tokens of context, has {have}"
        return f"needs {self.need}, " + ("which it lacks" if self.certain else "which is not known of it")


def unmet_needs(constraints: Constraints, facts: ModelFacts | None) -> tuple[UnmetNeed, ...]:
    """Compare what a binding needs with what is known of a model.

    Args:
        constraints: the binding's.
        facts: the model's; ``None`` when nothing is known of it, so that no need is proved.

    Returns:
        What is lacking or unproved, in the order of the binding; empty when every need is met.
    """
    unmet = []
    for need in constraints.needs:
        actual: bool | None = getattr(facts, need, None)
        if actual is not True:
            unmet.append(UnmetNeed(need, wanted=True, actual=actual))
    if constraints.min_context is not None:
        window = None if facts is None else facts.context_window
        if facts is not None and window is not None:
            window += facts.max_output_tokens or 0  # the registry states what a request may have
        if window is None or window < constraints.min_context:
            unmet.append(UnmetNeed("min_context", wanted=constraints.min_context, actual=window))
    return tuple(unmet)


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


class HostEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host that the lockfile names. It counts only once the user has approved the file.

    Attributes:
        base_url: where the paths of its protocol begin.
        protocol: ``openai``, ``responses``, ``anthropic``, ``gemini`` or ``ollama``.
        key_env: the environment variable that holds its key; ``None`` where it needs none.
    """

    base_url: str
    protocol: str = "openai"
    key_env: str | None = None


class Lockfile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole lockfile.

    Attributes:
        version: of the format.
        created_at: ISO 8601, as the file has it.
        updated_at: ISO 8601, as the file has it.
        default_profile: used where neither an argument nor the environment names one.
        metadata: anything; never read here.
        extends: packages whose aliases may be used as ``package:alias``.
        hosts: those that do not come with llmring, by name; of the lockfile itself, never of one that it extends.
        profiles: by name, in the order of the file.
        locked: what was recorded of each model, by ``provider:model``.
        has_old_bindings: whether a binding has ``provider`` and ``model`` as before 1.0; :meth:`Document.migrate`
            rewrites it. Not part of the content.
        path: the file it was read from; ``None`` for text from elsewhere. Not part of the content.
    """

    version: str = FORMAT_VERSION
    created_at: str | None = None
    updated_at: str | None = None
    default_profile: str = DEFAULT_PROFILE
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    extends: tuple[str, ...] = ()
    hosts: Mapping[str, HostEntry] = msgspec.field(default_factory=dict)
    profiles: Mapping[str, Profile] = msgspec.field(default_factory=dict)
    locked: Mapping[str, LockedModel] = msgspec.field(default_factory=dict)
    has_old_bindings: bool = False
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
            advice = (
                "Choose one with the profile argument, --profile or LLMRING_PROFILE, or name it as default_profile"
                if self.profiles and wanted == self.default_profile
                else "Binding an alias with this profile creates it"
            )
            raise ProfileNotFoundError(
                f"there is no profile {wanted!r} in {self.place}. Its profiles: {known}. {advice}",
                path=None if self.path is None else str(self.path),
                key=f"profiles.{wanted}",
            )
        return profile

    def resolve_alias(self, alias: str, profile: str | None = None) -> list[str]:
        """Return the pool of an alias, or of ``package:alias``; nothing where it is not bound.

        :func:`llmring_lockfile.resolve` says why.
        """
        from llmring_lockfile._project import installed_lockfile  # noqa: PLC0415 - these import this module
        from llmring_lockfile._resolve import resolve  # noqa: PLC0415 - as above

        try:
            found = resolve(self, alias, profile, providers=(), packages=installed_lockfile)
        except (AliasNotFoundError, ProfileNotFoundError):
            return []
        return [str(ref) for ref in found.models]

    def has_alias(self, alias: str, profile: str | None = None) -> bool:
        """Return whether an alias is bound, whatever keys are set."""
        return bool(self.resolve_alias(alias, profile))

    @property
    def place(self) -> str:
        """The origin, for messages."""
        return "the lockfile" if self.path is None else str(self.path)
