"""Facts about models. ``None`` always means unknown, never no and never zero."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec


class Prices(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """US dollars per million tokens.

    The ``long_*`` prices hold for the whole call when its prompt has more than ``long_threshold`` tokens.
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    """Price of reasoning tokens where it differs from ``output``."""
    long_threshold: int | None = None
    long_input: Decimal | None = None
    long_output: Decimal | None = None
    long_cache_read: Decimal | None = None
    long_cache_write_5m: Decimal | None = None
    long_cache_write_1h: Decimal | None = None
    web_search: Decimal | None = None
    """US dollars per 1,000 searches that the provider runs for a call."""
    source: str | None = None
    """Origin of the token prices, for example ``registry`` or ``genai-prices``."""


CAPABILITIES = (
    "vision",
    "audio",
    "documents",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "json_mode",
    "json_schema",
    "reasoning",
    "temperature",
    "streaming",
    "caching",
    "system_message",
)
"""The fields of :class:`ModelFacts` that are capabilities; every other list of capabilities is a choice of these."""


class ModelFacts(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Limits, capabilities, prices and dates of one model.

    Attributes:
        provider: lower case, as in references.
        model: the provider's exact name.
        aliases: other names that the provider accepts for it.
        context_window: most input tokens of one call.
        max_output_tokens: most output tokens of one call.
        min_reasoning_tokens: least reasoning budget recommended for a reasoning model.
        api: the endpoint it needs: ``chat``, ``responses`` or another of the provider's words.
        prices: those of the standard service tier.
        tiers: those of other tiers (``batch``, ``flex``, ``priority``, ``fast``) where they are known.
        active: ``False`` once the provider has retired it.
        retires_on: the day from which the provider no longer serves it.
    """

    provider: str
    model: str
    display_name: str | None = None
    description: str | None = None
    aliases: tuple[str, ...] = ()
    family: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    min_reasoning_tokens: int | None = None
    api: str | None = None
    prices: Prices = msgspec.field(default_factory=Prices)
    tiers: Mapping[str, Prices] = msgspec.field(default_factory=dict)
    vision: bool | None = None
    audio: bool | None = None
    documents: bool | None = None
    tools: bool | None = None
    tool_choice: bool | None = None
    parallel_tool_calls: bool | None = None
    json_mode: bool | None = None
    json_schema: bool | None = None
    reasoning: bool | None = None
    temperature: bool | None = None
    streaming: bool | None = None
    caching: bool | None = None
    system_message: bool | None = None
    active: bool | None = None
    released_on: date | None = None
    retires_on: date | None = None

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that the model is known to have, in the order of :data:`CAPABILITIES`."""
        return tuple(name for name in CAPABILITIES if getattr(self, name) is True)
