"""The part of both rings, async and sync, that needs no event loop."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from llmring_lockfile import Lockfile
from llmring_providers import KeySource, Provider
from llmring_types import ModelFacts, ModelRef, Prices
from llmring_types.exceptions import ProviderNotFoundError

from llmring._aliases import Aliases
from llmring._chat import Chat
from llmring._money.accounting import own_prices
from llmring._money.accounts import BudgetState
from llmring._providers import Providers
from llmring._routing import Router

T = TypeVar("T")


def one_of(name: str, value: T | None, other: str, other_value: T | None) -> T:
    """Return the argument that was given by either of its names.

    Raises:
        TypeError: it was given by none or by both.
    """
    given = [each for each in (value, other_value) if each is not None]
    if len(given) != 1:
        raise TypeError(f"give either {name} or {other}")
    return given[0]


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
        self,
        aliases: Sequence[str] | None = None,
        profile: str | None = None,
        context: str | None = None,
        *,
        required: Sequence[str] | None = None,
    ) -> None:
        """Check that all these aliases are bound; for libraries, at start-up.

        Args:
            aliases: those the library uses.
            profile: the lockfile's profile.
            context: who needs them, for the message.
            required: another word for ``aliases``.

        Raises:
            AliasNotFoundError: one error that lists all that are missing (also a ``ValueError``).
        """
        self._aliases.require(one_of("aliases", aliases, "required", required), profile, context)

    def list_aliases(self, profile: str | None = None) -> dict[str, str]:
        """Return each alias of the profile with the first model of its pool."""
        return self._aliases.primaries(profile)

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile as it is now: the user's, the bundled one where there is none, or the one in memory."""
        return self._aliases.lockfile

    @property
    def lockfile_path(self) -> Path | None:
        """The file of :attr:`lockfile`; ``None`` for one in memory."""
        return self._aliases.path

    def init_lockfile(self, force: bool = False) -> None:
        """Write an empty lockfile where this ring's lockfile is, or where a new one belongs, and use it.

        Args:
            force: write over one that exists; its bindings are lost.

        Raises:
            LockfileExistsError: it exists and ``force`` is not set (also a ``FileExistsError``).
            LockfileWriteError: it cannot be written (also an ``OSError``).
        """
        self._aliases.create(force=force)

    def clear_alias_cache(self) -> None:
        """Forget which models aliases stand for, and read the lockfile anew at the next call.

        Edits of the file are noticed by themselves, within a second; this is for those that cannot wait.
        """
        self._aliases.forget()

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
