"""Asking providers what they offer, which also tells whether they can be reached and take the key."""

import asyncio
from collections.abc import Sequence

import msgspec
from llmring import LLMRing, ModelFacts, open_registry
from llmring_lockfile import Lockfile
from llmring_providers import HttpProvider
from llmring_types.exceptions import LLMRingError, ProviderResponseError, ProviderTimeoutError

from llmring_cli._output import report_logs

PATIENCE_S = 15.0
"""How long a provider may take."""


async def live_models(providers: Sequence[str]) -> tuple[list[ModelFacts], list[LLMRingError]]:
    """Return the models that these providers offer, with what the registry knows of them, and what went wrong."""
    registry = open_registry()
    models: list[ModelFacts] = []
    problems: list[LLMRingError] = []
    for outcome in await ask_providers(providers):
        if isinstance(outcome, LLMRingError):
            problems.append(outcome)
        else:
            models += [_complete(facts, registry.facts(facts.provider, facts.model)) for facts in outcome]
    return models, problems


async def ask_providers(providers: Sequence[str]) -> list[list[ModelFacts] | LLMRingError]:
    """Ask these providers for their models, all at once; for each, in order, the models or the error."""
    report_logs()
    async with LLMRing(lockfile=Lockfile()) as ring:
        return await asyncio.gather(*(_ask(ring, name) for name in providers))


async def _ask(ring: LLMRing, name: str) -> list[ModelFacts] | LLMRingError:
    try:
        provider = ring.get_provider(name)
        if not isinstance(provider, HttpProvider):
            return ProviderResponseError("this provider does not list its models", provider=name)
        async with asyncio.timeout(PATIENCE_S):
            return await provider.models()
    except TimeoutError:
        return ProviderTimeoutError(f"no answer within {PATIENCE_S:g} s", provider=name, timeout=PATIENCE_S)
    except LLMRingError as error:
        return error


def _complete(live: ModelFacts, known: ModelFacts | None) -> ModelFacts:
    """Take from the registry what the provider did not say."""
    if known is None:
        return live
    told = {
        name: value
        for name, value in msgspec.structs.asdict(live).items()
        if value != getattr(ModelFacts(provider="", model=""), name)
    }
    return msgspec.structs.replace(known, **told)
