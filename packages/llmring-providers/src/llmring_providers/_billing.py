"""Counts of tokens in the neutral keys, and what is billed beside them or otherwise."""

import math
from typing import Any

from llmring_types import Usage

_STANDARD = frozenset({"default", "auto", "standard", "on_demand"})
_ABSURD = 1e6
"""US dollars that no single call costs."""


def count_of(value: object) -> int | None:
    """Return a count of tokens, however absurd; ``None`` for what is no number. The answer is worth more than it.

    Some hosts write ``12.0``, and some ``"12"``, as the JSON form of Protocol Buffers does with long integers:
    https://protobuf.dev/programming-guides/json/
    """
    if type(value) is int or value is None:
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return int(value) if isinstance(value, float) and math.isfinite(value) else None


def counts_beside_cache(
    *, given: int | None, made: int | None, read: int | None, written: int | None
) -> dict[str, int]:
    """Return token counts in the neutral keys, where a vendor counts its cache beside the fresh input.

    Args:
        given: fresh tokens of the input; what the cache read and wrote is added to them.
        made: tokens of the output.
        read: tokens that the cache had.
        written: tokens that it took.
    """
    counts: dict[str, int] = {}
    if given is not None:
        counts["prompt_tokens"] = given + (read or 0) + (written or 0)
    if made is not None:
        counts["completion_tokens"] = made
    if given is not None and made is not None:
        counts["total_tokens"] = counts["prompt_tokens"] + made
    if read is not None:
        counts["cache_read_input_tokens"] = read
    if written is not None:
        counts["cache_creation_input_tokens"] = written
    return counts


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
    if searches is not None and (count := count_of(searches) or 0) > 0:
        usage["web_searches"] = count
    if type(cost) in (int, float) and math.isfinite(cost) and 0 <= cost < _ABSURD:
        usage["reported_cost"] = float(cost)
    return usage
