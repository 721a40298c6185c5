"""Billing facts of an answer beyond its token counts, as every provider's usage carries them."""

import math
from typing import Any

from llmring_types import Usage

_STANDARD = frozenset({"default", "auto", "standard", "on_demand"})
_ABSURD = 1e6
"""US dollars that no single call costs."""


def add_billing(
    usage: Usage | None, *, tier: Any = None, searches: Any = None, cost: Any = None
) -> Usage | None:
    """Write into the usage what is billed otherwise than tokens at the standard price.

    Args:
        usage: the counts; ``None`` stays ``None``.
        tier: the service tier that the provider names, in its own spelling.
        searches: the searches that the provider ran.
        cost: US dollars that the provider itself charges.
    """
    if usage is None:
        return None
    if isinstance(tier, str) and tier and tier.lower() not in _STANDARD:
        usage["service_tier"] = tier.lower()
    if type(searches) is int and searches > 0:
        usage["web_searches"] = searches
    if type(cost) in (int, float) and math.isfinite(cost) and 0 <= cost < _ABSURD:
        usage["reported_cost"] = float(cost)
    return usage
