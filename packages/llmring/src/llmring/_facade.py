"""The part of both rings, async and sync, that needs no event loop."""

from collections.abc import Mapping
from typing import Any

from llmring_providers import KeySource, Provider
from llmring_types import ModelFacts, Prices
from llmring_types.exceptions import ProviderNotFoundError

from llmring._aliases import AliasMethods, one_of
from llmring._chat import Chat
from llmring._money.accounting import own_prices
from llmring._money.accounts import BudgetState
from llmring._providers import Providers
from llmring._routing import Router


class RingFacade(AliasMethods):
    """The providers, budgets and routes of a ring."""

    _providers: Providers
    _router: Router
    _chat: Chat

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers that can be used, by name; each is built when it is first looked up."""
        return self._providers

    def register_provider(
        self,
        name: str | None = None,
        provider: Provider | None = None,
        *,
        provider_type: str | None = None,
        **settings: Any,
    ) -> None:
        """Add or replace a provider.

        Args:
            name: the first half of references to its models.
            provider: one of your own; without it llmring's provider of this name is built from ``settings``.
            provider_type: another word for ``name``.
            settings: ``api_key``, ``base_url``. The key may be a function, async or not, that returns it: it is asked
                when a call needs a key, and once more when the host refuses that key.

        Raises:
            ProviderNotFoundError: nobody offers this name.
            ProviderAuthenticationError: it needs a key, and none is given or set.
            ConfigurationError: there is no such setting, the address cannot be right, or the object is no provider.
        """
        self._providers.register(one_of("name", name, "provider_type", provider_type), provider, **settings)
        self._aliases.providers_changed()

    def register_host(
        self,
        name: str,
        *,
        base_url: str,
        protocol: str = "openai",
        key_env: str | None = None,
        api_key: str | KeySource | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Add a host of one's own to the table of hosts, for the whole process: ``name:model`` then goes there.

        Args:
            name: the first half of references to its models; none that another host has.
            base_url: where the paths of the protocol begin, as ``http://localhost:8000/v1``.
            protocol: ``openai``, ``responses``, ``anthropic``, ``gemini`` or ``ollama``.
            key_env: the environment variable that holds its key.
            api_key: the key for this ring, or a function that returns it; it comes before ``key_env``.
            prices: what this ring takes every model of the host to cost, unless ``LLMRing(prices=)`` names the model.

        Raises:
            ConfigurationError: one of them is not valid, or the name is taken.
        """
        from llmring.hosts import own_host, register_host  # noqa: PLC0415 - most rings use hosts that come with llmring

        row = own_host(name, base_url=base_url, protocol=protocol, key_env=key_env)
        priced = None if prices is None else own_prices(f"{name}:*", prices)
        register_host(row)
        if priced is not None:
            self._chat.accounting.add_prices(*priced)
        if api_key is not None:
            self._providers.register(name, api_key=api_key)
        self._aliases.providers_changed()

    def facts(self, model: str, profile: str | None = None) -> ModelFacts | None:
        """Return what is known of an alias's first model or of a ``provider:model``; ``None`` if nothing is."""
        return self._chat.accounting.facts(self.pool(model, profile)[0])

    @property
    def budgets(self) -> tuple[BudgetState, ...]:
        """The budgets that calls have come under, the ring's first, with what was spent since the ring was made."""
        return self._chat.budgets.states

    @property
    def strict_cost(self) -> bool:
        """``True`` if nothing is sent to a model whose price cannot be known."""
        return self._chat.accounting.strict

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
