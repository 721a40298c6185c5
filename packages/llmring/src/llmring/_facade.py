"""The part of both rings, async and sync, that needs no event loop."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring_providers import Provider
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import ProviderNotFoundError

from llmring._aliases import Aliases
from llmring._chat import Chat
from llmring._money.accounts import BudgetState
from llmring._providers import Providers
from llmring._routing import Router


class RingFacade:
    """The providers, budgets and aliases of a ring."""

    _providers: Providers
    _aliases: Aliases
    _router: Router
    _chat: Chat

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers that can be used, by name; each is built when it is first looked up."""
        return self._providers

    def register_provider(self, name: str, provider: Provider | None = None, **settings: Any) -> None:
        """Add or replace a provider.

        Args:
            name: the first half of references to its models.
            provider: one of your own; without it llmring's provider of this name is built from ``settings``.
            settings: ``api_key``, ``base_url``. The key may be a function, async or not, that returns it: it is asked
                when a call needs a key, and once more when the host refuses that key.

        Raises:
            ProviderNotFoundError: nobody offers this name.
            ProviderAuthenticationError: it needs a key, and none is given or set.
        """
        self._providers.register(name, provider, **settings)
        self._aliases.providers_changed()

    def facts(self, model: str, profile: str | None = None) -> ModelFacts | None:
        """Return what is known of an alias's first model or of a ``provider:model``; ``None`` if nothing is."""
        return self._chat.accounting.facts(self.pool(model, profile)[0])

    @property
    def budgets(self) -> tuple[BudgetState, ...]:
        """The budgets that calls have come under, the ring's first, with what was spent since the ring was made."""
        return self._chat.budgets.states

    def resolve_alias(self, alias_or_model: str, profile: str | None = None) -> str:
        """Return the ``provider:model`` that would be tried first.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
            ProviderNotFoundError: no model of the pool has its provider configured.
        """
        candidates = self._router.route(alias_or_model, profile).candidates
        for candidate in candidates:
            if candidate.unusable is None:
                return str(candidate.ref)
        if len(candidates) == 1 and candidates[0].unusable is not None:
            raise candidates[0].unusable
        # Each names its provider, so members of the same provider say the same.
        reasons = dict.fromkeys(str(candidate.unusable) for candidate in candidates)
        raise ProviderNotFoundError(f"No available providers for {alias_or_model!r}: {'; '.join(reasons)}")

    def pool(self, alias_or_model: str, profile: str | None = None) -> tuple[ModelRef, ...]:
        """Return every model that the name stands for, in order, whether its provider is configured or not.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
        """
        return self._aliases.resolve(alias_or_model, profile).models

    def has_alias(self, alias: str, profile: str | None = None) -> bool:
        """Return whether the alias is bound, whatever keys are set."""
        return self._aliases.has(alias, profile)

    def require_aliases(
        self, aliases: Sequence[str], profile: str | None = None, context: str | None = None
    ) -> None:
        """Check that all these aliases are bound; for libraries, at start-up.

        Args:
            aliases: those the library uses.
            profile: the lockfile's profile.
            context: who needs them, for the message.

        Raises:
            AliasNotFoundError: one error that lists all that are missing (also a ``ValueError``).
        """
        self._aliases.require(aliases, profile, context)

    def list_aliases(self, profile: str | None = None) -> dict[str, str]:
        """Return each alias of the profile with the first model of its pool."""
        return self._aliases.primaries(profile)

    def bind_alias(self, alias: str, model: str | Sequence[str], profile: str | None = None) -> None:
        """Bind an alias in the lockfile, which is created when there is none.

        Args:
            alias: the name.
            model: one ``provider:model``, or a pool: a list, or text with commas.
            profile: the lockfile's profile.

        Raises:
            ModelReferenceError: not ``provider:model`` (also a ``ValueError``).
            LockfileWriteError: the lockfile cannot be written (also an ``OSError``).
        """
        self._aliases.bind(alias, model, profile)

    def unbind_alias(self, alias: str, profile: str | None = None) -> None:
        """Remove an alias from the lockfile; nothing happens where it is not bound.

        Raises:
            LockfileNotFoundError: there is no lockfile (also a ``FileNotFoundError``).
            LockfileWriteError: it cannot be written (also an ``OSError``).
        """
        self._aliases.unbind(alias, profile)
