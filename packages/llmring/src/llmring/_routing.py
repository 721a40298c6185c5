"""From what the user asked for to the models to try, in order."""

from collections.abc import Callable, Sequence

import msgspec
from llmring_lockfile import Constraints, Resolution, unmet_needs
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ModelCapabilityError,
    ProviderRequestTooLargeError,
)

from llmring._providers import Providers

_NONE = Constraints()
DEFAULT_ALIAS = "default"
"""The alias of a request without a model."""


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

    @property
    def bounded(self) -> bool:
        """True if the binding limits what calls may cost."""
        return self.constraints.budget_usd is not None or self.constraints.max_cost_usd is not None


class Router:
    """Joins the lockfile's answer with what is known of providers and models.

    Args:
        resolve: answers from the lockfile: name and profile to the pool.
        providers: the ring's.
        facts: what is known of a model; it must answer from memory.
    """

    def __init__(
        self,
        resolve: Callable[[str, str | None], Resolution],
        providers: Providers,
        facts: Callable[[ModelRef], ModelFacts | None],
    ) -> None:
        self._resolve = resolve
        self._providers = providers
        self._facts = facts

    def route(self, name: str | None, profile: str | None) -> Route:
        """Return what to try for this alias or ``provider:model``; ``None`` asks for the alias ``default``.

        Raises:
            AliasNotFoundError: not bound; the text says how to bind it (also a ``ValueError``).
            ModelReferenceError: a reference without a model (also a ``ValueError``).
        """
        found = self._resolve_default(profile) if name is None else self._resolve(name, profile)
        constraints = found.constraints
        candidates = [self._candidate(ref, constraints) for ref in found.models]
        return Route(candidates, found.name if found.is_alias else None, found.profile, constraints)

    def _resolve_default(self, profile: str | None) -> Resolution:
        try:
            return self._resolve(DEFAULT_ALIAS, profile)
        except AliasNotFoundError as error:
            error.message = f"the request names no model. {error.message}"
            raise

    def _candidate(self, ref: ModelRef, constraints: Constraints) -> Candidate:
        facts = self._facts(ref)
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
