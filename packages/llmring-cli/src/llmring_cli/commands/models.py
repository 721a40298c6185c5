"""``llmring list`` and ``llmring info``."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring import LLMRing, ModelFacts, ModelRef, provider_status
from llmring.registry import PROVIDERS, Registry
from llmring_types.exceptions import ProviderNotFoundError

from llmring_cli._output import print_json, print_table, say

_CAPABILITIES = ("vision", "audio", "documents", "tools", "json_schema", "reasoning", "caching")


def list_models(
    *,
    provider: Annotated[str | None, Parameter(alias="-p")] = None,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the models that are known, with context, prices in US dollars per million tokens, and capabilities.

    Args:
        provider: Only this provider's.
        every: Retired models as well.
        json: Print JSON.
    """
    if provider is not None and provider not in {row.name for row in provider_status()}:
        known = ", ".join(row.name for row in provider_status())
        raise ProviderNotFoundError(
            f"there is no provider {provider!r}; known are {known}", provider=provider
        )
    registry = Registry()
    names = PROVIDERS if provider is None else (provider,)
    models = [
        facts for name in names for facts in registry.models(name) if every or facts.active is not False
    ]
    if json:
        print_json([_plain(facts) for facts in models])
        return
    if not models:
        say(f"the registry lists no models of {provider}")
    print_table(("model", "context", "input", "output", "can"), [_row(facts) for facts in models])


def info(
    model: str,
    /,
    *,
    profile: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Show what is known of a model, or of the first model of an alias. Exit code 1 when nothing is.

    Args:
        model: An alias or provider:model.
        profile: The lockfile's profile.
        json: Print JSON.
    """
    ref = _resolve(model, profile)
    facts = Registry().facts(ref.provider, ref.model)
    if facts is None:
        say(f"nothing is known of {ref}; it may work all the same")
        return 1
    if json:
        print_json(_plain(facts))
        return 0
    if str(ref) != model:
        say(f"{model} is {ref}")
    print_table(("", ""), [(name, str(value)) for name, value in _plain(facts).items() if value is not None])
    return 0


def _resolve(model: str, profile: str | None) -> ModelRef:
    """The first model of the pool, whether its provider can be used or not."""
    return LLMRing().pool(model, profile)[0]


def _plain(facts: ModelFacts) -> dict[str, Any]:
    prices = {
        name: value for name, value in msgspec.structs.asdict(facts.prices).items() if value is not None
    }
    return {
        "model": f"{facts.provider}:{facts.model}",
        "name": facts.display_name,
        "aliases": list(facts.aliases),
        "context_window": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
        "prices": {
            name: float(value) if isinstance(value, Decimal) else value for name, value in prices.items()
        },
        "capabilities": [name for name in _CAPABILITIES if getattr(facts, name)],
        "active": facts.active,
        "retires_on": facts.retires_on,
    }


def _row(facts: ModelFacts) -> tuple[str, ...]:
    context = "?" if facts.context_window is None else f"{facts.context_window:,}"
    capabilities = " ".join(name for name in _CAPABILITIES if getattr(facts, name))
    prices = (_price(facts.prices.input), _price(facts.prices.output))
    return (f"{facts.provider}:{facts.model}", context, *prices, capabilities)


def _price(price: Decimal | None) -> str:
    return "?" if price is None else f"{price:f}"
