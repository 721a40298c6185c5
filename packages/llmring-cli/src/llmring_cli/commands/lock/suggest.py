"""``llmring lock suggest``."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from llmring import ModelFacts, open_registry
from llmring.registry import PROVIDERS
from llmring.suggest import Preference, Suggestion, Wish, near_misses, suggest_models
from llmring_lockfile import Need

from llmring_cli._models import facts_json, price_text, ready_providers, require_provider, tokens_text
from llmring_cli._output import FAILED, print_json, print_table, report
from llmring_cli._parameters import Count, Flag, Json, Price, ProviderName

_NEAR = 3
_HEADERS = ("model", "most input", "$ in", "$ out", "why")


def suggest(
    *,
    need: Annotated[list[Need] | None, Parameter(negative="")] = None,
    min_context: Count | None = None,
    min_output: Count | None = None,
    max_input_price: Price | None = None,
    max_output_price: Price | None = None,
    provider: Annotated[list[ProviderName] | None, Parameter(alias="-p", negative="")] = None,
    ready: Flag = False,
    prefer: Preference = "cost",
    limit: Count = 10,
    json: Json = False,
) -> int:
    """Suggest models that meet requirements.

    Best first, each with a reason. The result is computed from the registry, so the same requirements give the
    same result. Prices are US dollars per million tokens. Exit code 1 if no model fits; models that miss one
    requirement are then listed.

    $ llmring lock suggest --need vision --need tools --max-input-price 1
    $ llmring lock suggest --min-context 200000 --prefer strength --ready

    Args:
        need: A required capability. May be given several times.
        min_context: Minimum context window, in tokens: request and answer together.
        min_output: Minimum output limit, in tokens.
        max_input_price: Maximum price of a million input tokens.
        max_output_price: Maximum price of a million output tokens.
        provider: Only this provider's models. May be given several times.
        ready: Only configured providers.
        prefer: The order of models that fit.
        limit: Maximum number of models.
    """
    wish = Wish(
        needs=tuple(need or ()),
        min_context=min_context,
        min_output=min_output,
        max_input_price=max_input_price,
        max_output_price=max_output_price,
    )
    models = _models(_providers(provider, ready=ready))
    found = suggest_models(wish, models, prefer=prefer)[:limit]
    near = near_misses(wish, models)[:_NEAR] if not found else []
    if json:
        print_json({"suggestions": _plain(found), "near_misses": _plain(near)})
    else:
        _show(found, near)
    return 0 if found else FAILED


def _providers(names: Sequence[str] | None, *, ready: bool) -> list[str]:
    chosen = [require_provider(name) for name in names or PROVIDERS]
    usable = ready_providers() if ready else chosen
    return [name for name in chosen if name in usable]


def _models(providers: Sequence[str]) -> list[ModelFacts]:
    registry = open_registry()
    return [facts for name in providers for facts in registry.models(name)]


def _show(found: Sequence[Suggestion], near: Sequence[Suggestion]) -> None:
    if found:
        print_table(_HEADERS, [_row(one) for one in found])
        report(f"hint: to use one: llmring bind ALIAS {found[0].ref}")
        return
    report("no known model meets all requirements" + ("; these miss one:" if near else ""))
    for one in near:
        report(f"  {one.ref}: {one.reason}")


def _row(one: Suggestion) -> tuple[str, ...]:
    facts = one.facts
    prices = (price_text(facts.prices.input), price_text(facts.prices.output))
    return (str(one.ref), tokens_text(facts.context_window), *prices, one.reason)


def _plain(suggestions: Sequence[Suggestion]) -> list[dict[str, object]]:
    return [{**facts_json(one.facts), "reason": one.reason} for one in suggestions]
