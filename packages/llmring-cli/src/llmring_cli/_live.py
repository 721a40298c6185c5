"""Requests to providers: their models, and a model that can answer where nothing is configured."""

import asyncio
from collections.abc import Sequence

import msgspec
from llmring import LLMRing, ModelFacts, ModelRef, Policy, open_registry, provider_access
from llmring.suggest import suggest_aliases
from llmring_lockfile import DEFAULT_PROFILE, Binding, Lockfile, Profile, discover
from llmring_providers.ollama import installed_models
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import LLMRingError, ProviderError, ProviderResponseError, ProviderTimeoutError

from llmring_cli._lockfiles import report_place
from llmring_cli._models import SIMULATED, ready_providers
from llmring_cli._output import report, report_logs

PATIENCE_S = 15.0
"""Time limit for a provider's list of models."""

DEMO = ModelRef(SIMULATED, "demo")
ORIGIN = "llmring-cli"
"""Origin of the command's own calls in the usage log."""
_PATIENCE_S = 2.0
"""Time limit for Ollama's list of installed models."""


class UnlistedError(ProviderResponseError):
    """A provider of another package has no list of models: a failure only for who asks for it alone."""


async def live_models(providers: Sequence[str]) -> tuple[list[ModelFacts], list[LLMRingError]]:
    """Return the models that these providers list, completed from the registry, and the errors.

    The context windows and prices that they state are kept for later calls.
    """
    registry = open_registry()
    models: list[ModelFacts] = []
    problems: list[LLMRingError] = []
    for name, outcome in zip(providers, await ask_providers(providers), strict=True):
        if isinstance(outcome, UnlistedError):
            problems += [outcome] if len(providers) == 1 else []
        elif isinstance(outcome, LLMRingError):
            problems.append(outcome)
        else:
            registry.keep_listing(name, provider_access(name).base_url, outcome)
            models += [_complete(facts, registry.facts(facts.provider, facts.model)) for facts in outcome]
    return models, problems


async def ask_providers(providers: Sequence[str]) -> list[list[ModelFacts] | LLMRingError]:
    """List the models of these providers concurrently; return the models or the error of each, in order."""
    report_logs()
    async with LLMRing(ORIGIN, lockfile=Lockfile()) as ring:
        return await asyncio.gather(*(_ask(ring, name) for name in providers))


async def _ask(ring: LLMRing, name: str) -> list[ModelFacts] | LLMRingError:
    try:
        provider = ring.get_provider(name)
        models = getattr(provider, "models", None)
        if not callable(models):
            return UnlistedError("this provider cannot list its models", provider=name)
        async with asyncio.timeout(PATIENCE_S):
            return list(await models())
    except TimeoutError:
        return ProviderTimeoutError(f"no answer within {PATIENCE_S:g} s", provider=name, timeout=PATIENCE_S)
    except LLMRingError as error:
        return error


def _complete(live: ModelFacts, known: ModelFacts | None) -> ModelFacts:
    """Fill in from the registry whatever the provider left out."""
    if known is None:
        return live
    reported = {
        name: value
        for name, value in msgspec.structs.asdict(live).items()
        if value != getattr(ModelFacts(provider="", model=""), name)
    }
    return msgspec.structs.replace(known, **reported)


async def ring_for(model: str | None, policy: Policy | None = None) -> LLMRing:
    """Return a ring. Without a model and a lockfile, its alias ``default`` is a model that can answer.

    That is one of the first provider with a key, else one that Ollama has installed, else the simulated one. A message
    on standard error names it.
    """
    found = discover()
    report_place(found)
    if model is not None or not found.is_bundled:
        return LLMRing(ORIGIN, policy=policy)
    ref = await _default_model()
    report(f"no lockfile here; using {ref}. To choose models yourself: llmring lock init")
    binding = Binding("default", (ref,))
    lockfile = Lockfile(profiles={DEFAULT_PROFILE: Profile(DEFAULT_PROFILE, (binding,))})
    return LLMRing(ORIGIN, lockfile=lockfile, policy=policy)


async def _default_model() -> ModelRef:
    pools = suggest_aliases(ready_providers(), open_registry().models)
    return pools["default"][0] if pools else await installed_model() or DEMO


async def installed_model() -> ModelRef | None:
    """Return a model that Ollama has installed; ``None`` if it does not run or has none."""
    access = provider_access("ollama")
    if access.refusal is not None:
        return None
    transport = AutoTransport()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            models = await installed_models(transport, access.base_url, api_key=access.api_key)
    except (ProviderError, TimeoutError):
        return None
    finally:
        await transport.aclose()
    return ModelRef("ollama", models[0].model) if models else None
