"""From what the user asked for to the models to try, in order."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec
from llmring_lockfile import Constraints, LockedModel, Resolution, unmet_needs
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ModelCapabilityError,
    ProviderRequestTooLargeError,
)
from msgspec import UNSET, UnsetType

from llmring._aliases import Aliases
from llmring._providers import Providers

if TYPE_CHECKING:
    from llmring._money.accounting import Accounting

_NONE = Constraints()
DEFAULT_ALIAS = "default"
"""The alias of a request without a model."""

_MOST_KEPT = 256


class Candidate(msgspec.Struct, frozen=True):
    """A member of the pool.

    Attributes:
        ref: the model.
        facts: what is known of it.
        unusable: why it cannot be tried, or ``None``.
    """

    ref: ModelRef
    facts: ModelFacts | None = None
    unusable: LLMRingError | None = None

    def too_large(self, problem: str) -> "Candidate":
        """Return it as one that the request does not fit."""
        ref = self.ref
        refusal = ProviderRequestTooLargeError(
            f"{problem}; nothing was sent", provider=ref.provider, model=ref.model
        )
        return msgspec.structs.replace(self, unusable=refusal)


class TimedRequest(Protocol):
    """A request that may state how long one attempt may take."""

    @property
    def timeout(self) -> float | UnsetType | None:
        """Seconds; ``None`` for no limit."""


class Route(msgspec.Struct, frozen=True):
    """The candidates for one request.

    Attributes:
        candidates: in order, no model twice, at least one.
        alias: the alias, or ``None`` for a direct ``provider:model``, which never fails over.
        profile: the profile that the alias is bound in.
        constraints: the binding's limits.
    """

    candidates: Sequence[Candidate]
    alias: str | None = None
    profile: str | None = None
    constraints: Constraints = _NONE

    def timeout(self, request: TimedRequest, default: float | None) -> float | None:
        """Seconds for one attempt: the request's, else the alias's, else the ring's."""
        if request.timeout is not UNSET:
            return request.timeout
        limit = self.constraints.timeout_s
        return default if limit is None else limit

    @property
    def bounded(self) -> bool:
        """True if the binding limits what calls may cost."""
        return self.constraints.budget_usd is not None or self.constraints.max_cost_usd is not None


class _Kept(msgspec.Struct, frozen=True):
    """A route and what it was made from."""

    found: Resolution
    providers_changes: int
    registry_changes: int
    prices_changes: int
    route: Route


class Router:
    """Joins the lockfile's answer with what is known of providers and models.

    A route is kept while the lockfile gives the same answer and neither providers nor facts have changed, unless a
    candidate of it is unusable: what is against it may pass, and each call raises an error of its own.

    Args:
        aliases: the lockfile's answers: name and profile to the pool.
        providers: the ring's.
        accounting: what is known of a model, from memory.
    """

    def __init__(
        self,
        aliases: Aliases,
        providers: Providers,
        accounting: "Accounting",
    ) -> None:
        self._aliases = aliases
        self._providers = providers
        self._accounting = accounting
        self._registry = accounting.registry
        self._kept: dict[tuple[str | None, str | None], _Kept] = {}

    @property
    def locked(self) -> Mapping[str, LockedModel]:
        """The models as the lockfile has recorded them, by ``provider:model``."""
        return self._aliases.lockfile.locked

    def route(self, name: str | None, profile: str | None) -> Route:
        """Return what to try for this alias or ``provider:model``; ``None`` asks for the alias ``default``.

        Raises:
            AliasNotFoundError: not bound; the text says how to bind it (also a ``ValueError``).
            ModelReferenceError: a reference without a model (also a ``ValueError``).
        """
        found: Resolution | None = None
        with_name = DEFAULT_ALIAS if name is None else name
        try:
            found = self._aliases.resolver.resolve(with_name, profile)
        except AliasNotFoundError:
            pass
        else:
            kept = self._kept.get((name, profile))
            if (
                kept is not None
                and kept.found is found
                and kept.providers_changes == self._providers.changes
                and kept.registry_changes == self._registry.changes
                and kept.prices_changes == self._accounting.changes
            ):
                return kept.route
        return self._make(name, profile, found)

    def _make(self, name: str | None, profile: str | None, found: Resolution | None) -> Route:
        if found is None:
            found = self._resolve_default(profile) if name is None else self._aliases.resolve(name, profile)
        changes = self._providers.changes, self._registry.changes, self._accounting.changes
        constraints = found.constraints
        candidates = [self._candidate(ref, constraints) for ref in found.models]
        route = Route(candidates, found.name if found.is_alias else None, found.profile, constraints)
        if all(candidate.unusable is None for candidate in candidates):
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[name, profile] = _Kept(found, *changes, route)
        return route

    def _resolve_default(self, profile: str | None) -> Resolution:
        try:
            return self._aliases.resolve(DEFAULT_ALIAS, profile)
        except AliasNotFoundError as error:
            error.message = f"the request names no model. {error.message}"
            raise

    def _candidate(self, ref: ModelRef, constraints: Constraints) -> Candidate:
        facts = self._accounting.facts(ref)
        unusable: LLMRingError | None = self._providers.problem(ref.provider)
        if unusable is None and constraints != _NONE:
            lacking = [need for need in unmet_needs(constraints, facts) if need.certain]
            if lacking:
                unusable = ModelCapabilityError(
                    f"{ref} cannot do what the alias needs: {'; '.join(map(str, lacking))}",
                    provider=ref.provider,
                    model=ref.model,
                )
        return Candidate(ref, facts, unusable)
