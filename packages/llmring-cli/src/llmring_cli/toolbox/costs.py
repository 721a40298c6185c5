"""What a stated load costs with each of some models."""

from typing import Any

from llmring import ModelRef, Usage
from llmring.pricing import price
from llmring.registry import Registry

from llmring_cli.toolbox.arguments import CompareCosts


def compare_costs(registry: Registry, load: CompareCosts) -> list[dict[str, Any]]:
    """Return the cost of each model in US dollars, cheapest first; ``None`` where it cannot be known, with why."""
    rows = [_row(registry, ModelRef.parse(name), load) for name in load.models]
    return sorted(rows, key=lambda row: (row["total_usd"] is None, row["total_usd"] or 0.0))


def _row(registry: Registry, ref: ModelRef, load: CompareCosts) -> dict[str, Any]:
    usage: Usage = {"prompt_tokens": load.input_tokens, "completion_tokens": load.output_tokens}
    cost = price(usage, registry.facts(ref.provider, ref.model))
    each = None if cost.total is None else float(cost.total)
    return {
        "model": str(ref),
        "per_call_usd": each,
        "total_usd": None if cost.total is None else float(cost.total * load.calls),
        "status": cost.status,
    }
