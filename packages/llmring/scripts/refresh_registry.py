# ruff: noqa: INP001 - a script, not a module
"""Renew the data that ships with llmring: the registry's current models, and prices from genai-prices.

    uv run packages/llmring/scripts/refresh_registry.py                      # from the public registry
    uv run packages/llmring/scripts/refresh_registry.py ../registry-checkout/pages

The source is the address of a registry or a folder with its published files. The prices come from the installed
version of the genai-prices package, without a network. Each provider's document is written as it was published; one
that cannot be read, or that leaves out an entry, changes nothing and ends the run.
"""

import argparse
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
)
from llmring.registry import DEFAULT_URL, PROVIDERS
from llmring.registry._wire import decode
from llmring_types import ModelFacts, Prices
from llmring_types.hosts import HOSTS

DATA = Path(__file__).parents[1] / "src" / "llmring" / "registry" / "data"
_SAME_NAME = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}
_VERTEX_CLAUDE = "vertex-claude"
"""The Claude models on Google's list."""
_SEARCHES_BY_COUNT = frozenset({"anthropic", "openai"})
"""Gemini bills searches by the prompt or by the query, after a free allowance: the count alone is no price."""

_BEDROCK_REGIONS = ("us", "eu", "apac", "jp", "au", "ca", "us-gov", "global")


def main() -> None:
    """Read the source, check everything, then write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", default=DEFAULT_URL, help="address or folder of the registry")
    source: str = parser.parse_args().source
    now = datetime.now(UTC)
    files: dict[Path, bytes] = {}
    for provider in PROVIDERS:
        document = _read(source, f"{provider}/models.json")
        publication = decode(document, provider, where=f"{source}/{provider}/models.json")
        if publication.skipped:
            sys.exit("\n".join(publication.skipped))
        files[DATA / provider / "models.json"] = document
        names = [facts.model for facts in publication.models]
        files[DATA / "genai-prices" / f"{provider}.json"] = _price_list(provider, names, now)
    for name in sorted({host.price_list for host in HOSTS.values() if host.price_list} - set(PROVIDERS)):
        files[DATA / "genai-prices" / f"{name}.json"] = _price_list(name, [], now)
    files[DATA / "genai-prices" / "LICENSE"] = _genai_prices_licence()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sys.stderr.write(f"{path.relative_to(DATA)}: {len(content)} bytes\n")


def _read(source: str, name: str) -> bytes:
    if "://" not in source:
        return Path(source, name).read_bytes()
    with urllib.request.urlopen(f"{source.rstrip('/')}/{name}", timeout=30) as answer:  # noqa: S310 - the maintainer's own argument
        content: bytes = answer.read()
        return content


def _price_list(name: str, published: list[str], now: datetime) -> bytes:
    """Write down what genai-prices says of a provider's models at this moment, under every name it surely means."""
    package = distribution("genai-prices")
    listed = "google" if name == _VERTEX_CLAUDE else name
    provider = next(found for found in get_snapshot().providers if found.id == listed)
    ours = [model for model in provider.models if _is_on(name, model)]
    models = [facts for model in ours if (facts := _facts(provider, model, published, now))]
    head = {
        "source": f"genai-prices {package.version}, https://github.com/pydantic/genai-prices",
        "licence": "MIT, see LICENSE beside this file",
        "as_of": now.date().isoformat(),
        "unit": "US dollars per million tokens",
    }
    content = msgspec.json.encode({**head, "models": models})
    return msgspec.json.format(content, indent=1) + b"\n"


def _is_on(name: str, model: ModelInfo) -> bool:
    """Return whether a model is on a list: Google's has the Claude models of Vertex, which the Gemini API has not."""
    return name not in {"google", _VERTEX_CLAUDE} or (name == _VERTEX_CLAUDE) is ("claude" in model.id)


def _facts(provider: Provider, model: ModelInfo, published: list[str], now: datetime) -> ModelFacts | None:
    prices = _prices(model.get_prices(now))
    if prices is not None:
        prices = msgspec.structs.replace(prices, web_search=_searches(provider, model.get_prices(now)))
    if prices is None:
        return None
    candidates = [model.id, *_names(model.match), *published]
    if provider.id == "aws":
        candidates += _profiles(model.id)
    names = {name: None for name in candidates if provider.find_model(name) is model}
    return ModelFacts(
        provider=provider.id,
        model=model.id,
        aliases=tuple(name for name in names if name != model.id),
        context_window=model.context_window,
        prices=prices,
        tiers=dict(_tiers(model, now)),
    )


def _profiles(name: str) -> list[str]:
    """Return the ids of a model on Bedrock and of its inference profiles, whose regions have prices of their own.

    https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
    """
    base = name.removeprefix("regional.").removeprefix("global.")
    return [base, *(f"{where}.{base}" for where in _BEDROCK_REGIONS)]


def _names(clause: object) -> Iterator[str]:
    """Yield the names that a rule spells out. What a prefix matches beyond itself is only a guess."""
    if isinstance(clause, ClauseEquals):
        yield clause.equals
    elif isinstance(clause, ClauseStartsWith):
        if clause.starts_with[-1].isalnum():
            yield clause.starts_with
    elif isinstance(clause, ClauseOr):
        for part in clause.or_:
            yield from _names(part)


def _prices(prices: ModelPrice) -> Prices | None:
    """Translate; ``None`` for what is not priced by the text token."""
    found: dict[str, Any] = {}
    for ours, theirs in _SAME_NAME.items():
        value = getattr(prices, theirs)
        if isinstance(value, TieredPrices):
            if (
                len(value.tiers) != 1
            ):  # llmring_types.Prices has room for one: better no price than a wrong one
                return None
            found[ours] = value.base
            found.update(_tier(ours, value))
        elif isinstance(value, Decimal):
            found[ours] = value
    if found.get("input") is None or found.get("output") is None:
        return None
    return Prices(**found, source="genai-prices")


def _searches(provider: Provider, prices: ModelPrice) -> Decimal | None:
    found = prices.web_searches_kcount
    return found if provider.id in _SEARCHES_BY_COUNT and isinstance(found, Decimal) else None


def _tiers(model: ModelInfo, now: datetime) -> Iterator[tuple[str, Prices]]:
    """Yield what other service tiers cost today: ``batch``, ``flex``, ``priority`` and ``fast``."""
    for variant in model.price_variants or ():
        constraint = variant.constraint
        if isinstance(constraint, StartDateConstraint) and constraint.start_date > now.date():
            continue
        prices = _prices(variant.prices)
        if prices is None or len(variant.when) != 1:
            continue
        (name,) = variant.when.values()
        yield name, prices


def _tier(name: str, value: TieredPrices) -> dict[str, Any]:
    (tier,) = value.tiers
    return {"long_threshold": tier.start, f"long_{name}": tier.price}


def _genai_prices_licence() -> bytes:
    files = distribution("genai-prices").files or ()
    licence = next(file for file in files if file.name == "LICENSE")
    return licence.read_binary()


if __name__ == "__main__":
    main()
