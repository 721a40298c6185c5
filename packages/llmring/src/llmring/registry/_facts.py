"""A published entry, and its translation into the library's terms.

Prices are US dollars per million tokens and become ``Decimal`` from the number's own text.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from llmring_types import ModelFacts, Prices

_DEAREST = 1_000_000
"""Dollars per million tokens that no model costs: a price beyond it is a mistake, or meant to break a sum."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Entry(msgspec.Struct):
    """The fields that are read. :func:`model_facts` applies the defaults of the publisher's schema."""

    model_name: str | None = None
    display_name: str | None = None
    provider: str | None = None
    description: str | None = None
    model_aliases: list[str] | None = None
    model_family: str | None = None
    max_input_tokens: Count | None = None
    max_output_tokens: Count | None = None
    min_recommended_reasoning_tokens: Count | None = None
    api_endpoint: str | None = None
    dollars_per_million_tokens_input: Decimal | None = None
    dollars_per_million_tokens_output: Decimal | None = None
    dollars_per_million_tokens_output_thinking: Decimal | None = None
    dollars_per_million_tokens_cached_input: Decimal | None = None
    dollars_per_million_tokens_cache_read: Decimal | None = None
    dollars_per_million_tokens_cache_write_5m: Decimal | None = None
    dollars_per_million_tokens_cache_write_1h: Decimal | None = None
    supports_long_context_pricing: bool | None = None
    long_context_threshold_tokens: Count | None = None
    dollars_per_million_tokens_input_long_context: Decimal | None = None
    dollars_per_million_tokens_output_long_context: Decimal | None = None
    supports_vision: bool | None = None
    supports_audio: bool | None = None
    supports_documents: bool | None = None
    supports_pdf_input: bool | None = None
    supports_function_calling: bool | None = None
    supports_tool_choice: bool | None = None
    supports_parallel_tool_calls: bool | None = None
    supports_json_mode: bool | None = None
    supports_json_schema: bool | None = None
    supports_temperature: bool | None = None
    supports_streaming: bool | None = None
    supports_caching: bool | None = None
    supports_thinking: bool | None = None
    supports_system_message: bool | None = None
    is_reasoning_model: bool | None = None
    is_active: bool | None = None
    release_date: str | None = None
    deprecated_date: str | None = None


def model_facts(entry: Entry, provider: str, key: str | None) -> ModelFacts:
    """Translate an entry that stands under ``key`` (``provider:model``) in the document of ``provider``.

    Raises:
        ValueError: a required field is missing, or a value cannot be right.
    """
    if key is not None and ":" not in key:
        raise ValueError("its key is not provider:model")
    owner = entry.provider or (key.partition(":")[0] if key else provider)
    if owner != provider:
        raise ValueError(f"it belongs to {owner}, not to {provider}")
    if not entry.model_name or not entry.display_name:
        raise ValueError("model_name or display_name is missing")
    return ModelFacts(
        provider=provider,
        model=entry.model_name,
        display_name=entry.display_name,
        description=entry.description or None,
        aliases=tuple(entry.model_aliases or ()),
        family=entry.model_family,
        # Zero is how some entries write "unknown": no model takes or gives nothing.
        context_window=entry.max_input_tokens or None,
        max_output_tokens=entry.max_output_tokens or None,
        min_reasoning_tokens=entry.min_recommended_reasoning_tokens,
        api=entry.api_endpoint,
        prices=_prices(entry),
        vision=_default(entry.supports_vision, absent=False),
        audio=entry.supports_audio,
        documents=_either(entry.supports_documents, entry.supports_pdf_input),
        tools=_default(entry.supports_function_calling, absent=False),
        tool_choice=entry.supports_tool_choice,
        parallel_tool_calls=_default(entry.supports_parallel_tool_calls, absent=False),
        json_mode=_default(entry.supports_json_mode, absent=False),
        json_schema=entry.supports_json_schema,
        reasoning=bool(entry.is_reasoning_model or entry.supports_thinking),
        temperature=_default(entry.supports_temperature, absent=True),
        streaming=_default(entry.supports_streaming, absent=True),
        caching=_default(entry.supports_caching, absent=False),
        system_message=entry.supports_system_message,
        active=_default(entry.is_active, absent=True),
        released_on=_date(entry.release_date),
        retires_on=_date(entry.deprecated_date),
    )


def _prices(entry: Entry) -> Prices:
    read = _price(entry.dollars_per_million_tokens_cache_read)
    long = bool(entry.supports_long_context_pricing and entry.long_context_threshold_tokens)
    return Prices(
        input=_price(entry.dollars_per_million_tokens_input),
        output=_price(entry.dollars_per_million_tokens_output),
        # Two names for one price: Anthropic's entries have the first, OpenAI's the second, Google's either.
        cache_read=read if read is not None else _price(entry.dollars_per_million_tokens_cached_input),
        cache_write_5m=_price(entry.dollars_per_million_tokens_cache_write_5m),
        cache_write_1h=_price(entry.dollars_per_million_tokens_cache_write_1h),
        reasoning=_price(entry.dollars_per_million_tokens_output_thinking),
        long_threshold=entry.long_context_threshold_tokens if long else None,
        long_input=_price(entry.dollars_per_million_tokens_input_long_context) if long else None,
        long_output=_price(entry.dollars_per_million_tokens_output_long_context) if long else None,
        source="registry",
    )


def _price(value: Decimal | None) -> Decimal | None:
    if value is not None and not (value.is_finite() and 0 <= value <= _DEAREST):
        raise ValueError(f"{value} is not a price")
    return value


def _default(value: bool | None, *, absent: bool) -> bool:
    return absent if value is None else value


def _either(first: bool | None, second: bool | None) -> bool | None:
    return None if first is None and second is None else bool(first or second)


def _date(text: str | None) -> date | None:
    # A day, or a time of which the day is what matters.
    return date.fromisoformat(text[:10]) if text else None
