"""What is known of a model, for people and for programs."""

from decimal import Decimal
from typing import Any

import msgspec
from llmring_types import ModelFacts

CAPABILITIES = ("vision", "audio", "documents", "tools", "json_schema", "reasoning", "caching")


def capabilities(facts: ModelFacts) -> list[str]:
    """Those that the model is known to have."""
    return [name for name in CAPABILITIES if getattr(facts, name)]


def facts_json(facts: ModelFacts) -> dict[str, Any]:
    """Return the facts for programs. Prices are US dollars per million tokens; ``None`` is unknown, never no."""
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
        "capabilities": capabilities(facts),
        "active": facts.active,
        "retires_on": facts.retires_on,
    }


def tokens_text(count: int | None) -> str:
    """Return a number of tokens for people."""
    return "?" if count is None else f"{count:,}"


def price_text(price: Decimal | None) -> str:
    """Return US dollars per million tokens for people, to the cent or as exact as the price is."""
    if price is None:
        return "?"
    exact = f"{price.normalize():f}"
    return exact if len(exact.partition(".")[2]) > 2 else f"{price:.2f}"  # noqa: PLR2004 - cents
