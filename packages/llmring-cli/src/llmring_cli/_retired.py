"""Models that vendors retired before the registry began to list them, each with the vendor's page that says so."""

from datetime import date
from functools import cache
from pathlib import Path

import msgspec
from llmring_types import ModelFacts

_TABLE = Path(__file__).with_name("retired.json")


class Gone(msgspec.Struct, frozen=True):
    """Models that went together.

    Attributes:
        provider: the vendor.
        models: their names.
        source: the vendor's page.
        retired_on: the day; ``None`` where the page has none.
    """

    provider: str
    models: tuple[str, ...]
    source: str
    retired_on: date | None


@cache
def _table() -> dict[tuple[str, str], Gone]:
    rows = msgspec.json.decode(_TABLE.read_bytes(), type=list[Gone])
    return {(row.provider, model): row for row in rows for model in row.models}


def gone(provider: str, model: str) -> Gone | None:
    """Return the date and the source of a model's retirement; ``None`` for one that the table lacks."""
    return _table().get((provider, model))


def retired_facts(provider: str, model: str) -> ModelFacts | None:
    """Return such a model as reviews of a lockfile want it; ``None`` for one that the table lacks."""
    found = gone(provider, model)
    if found is None:
        return None
    return ModelFacts(provider=provider, model=model, active=False, retires_on=found.retired_on)
