"""Somebody to talk to where nothing has been set up yet."""

import asyncio

from llmring import LLMRing, ModelRef, open_registry, provider_access
from llmring.suggest import suggest_aliases
from llmring_lockfile import DEFAULT_PROFILE, Binding, Lockfile, Profile, discover
from llmring_providers.ollama import installed_models
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import ProviderError

from llmring_cli._output import report
from llmring_cli._providers import SIMULATED, ready_providers

DEMO = ModelRef(SIMULATED, "demo")
_PATIENCE_S = 2.0
"""How long Ollama may take to say what it has installed."""


async def ring_for(model: str | None) -> LLMRing:
    """Return a ring; where neither a model nor a lockfile is given, one whose alias ``default`` somebody answers.

    That is the first provider with a key, else a model that Ollama has installed, else the simulated one. It is said
    on standard error which.
    """
    if model is not None or not discover().is_bundled:
        return LLMRing()
    ref = await _somebody()
    report(f"no lockfile here, so {ref} answers; choose yourself with: llmring lock init")
    binding = Binding("default", (ref,))
    return LLMRing(lockfile=Lockfile(profiles={DEFAULT_PROFILE: Profile(DEFAULT_PROFILE, (binding,))}))


async def _somebody() -> ModelRef:
    pools = suggest_aliases(ready_providers(), open_registry().models)
    return pools["default"][0] if pools else await installed_model() or DEMO


async def installed_model() -> ModelRef | None:
    """Return a model that Ollama has installed, ``None`` where it does not run or has none."""
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
