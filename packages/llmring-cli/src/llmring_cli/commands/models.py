"""``llmring list`` and ``llmring info``."""

from collections.abc import Sequence
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter
from llmring import ModelFacts, ModelRef, open_registry
from llmring.registry import PROVIDERS, Correction
from llmring_types.hosts import host_of

from llmring_cli._failure import FAILED
from llmring_cli._models import (
    SIMULATED,
    capabilities,
    facts_json,
    known_providers,
    price_text,
    ready_providers,
    require_provider,
    tokens_text,
)
from llmring_cli._output import print_json, print_table, report
from llmring_cli._parameters import Flag, Json, ModelName, ProfileName, ProviderName


def list_models(
    *,
    provider: Annotated[ProviderName | None, Parameter(alias="-p")] = None,
    live: Flag = False,
    every: Annotated[Flag, Parameter(name="--all")] = False,
    json: Json = False,
) -> int:
    """List the models that are known, with context, prices in US dollars per million tokens, and capabilities.

    They are those of the registry; for Ollama, and with --live for every provider that can be used, those that
    the provider itself offers. Exit code 1 when a provider could not be asked.

    $ llmring list --provider openai
    $ llmring list --live --provider ollama
    $ llmring list --json | jq -r '.[] | select(.prices.input < 1) | .model'

    Args:
        provider: Only this provider's.
        live: Ask the providers what they offer to this key.
        every: Retired models as well.
    """
    if provider is not None:
        require_provider(provider)
    failed = False
    if live or _is_live_only(provider):
        import asyncio  # noqa: PLC0415 - as the transports, only for those who ask over the network

        from llmring_cli._live import live_models  # noqa: PLC0415

        models, problems = asyncio.run(live_models(_to_ask(provider)))
        for problem in problems:
            report(f"error: {problem}")
        failed = bool(problems)
    else:
        registry = open_registry()
        models = [
            facts
            for name in ([provider] if provider else PROVIDERS)
            for facts in sorted(registry.models(name), key=lambda facts: facts.model)
        ]
    _show([facts for facts in models if every or facts.active is not False], json=json)
    return FAILED if failed else 0


def info(model: ModelName, /, *, profile: ProfileName = None, json: Json = False) -> int:
    """Show what is known of a model or an alias.

    Of an alias, its first model is shown. What the registry is known to have wrong is corrected, and it says
    so. Exit code 1 when nothing is known of it; it may work all the same.

    $ llmring info anthropic:claude-haiku-4-5
    $ llmring info summarizer --json

    Args:
        model: An alias or provider:model.
    """
    pool = _pool(model, profile)
    registry = open_registry()
    facts = registry.facts(pool[0].provider, pool[0].model)
    if facts is None:
        report(f"nothing is known of {pool[0]}; it may work all the same")
        return FAILED
    corrections = registry.corrections(pool[0].provider, pool[0].model)
    if json:
        print_json(
            {
                **facts_json(facts),
                "pool": [str(ref) for ref in pool],
                "corrections": [row._asdict() for row in corrections],
            }
        )
        return 0
    if [str(ref) for ref in pool] != [model]:
        report(f"{model} is {', '.join(map(str, pool))}")
    print_table(("", ""), _lines(facts) + [_corrected(row) for row in corrections])
    for page in dict.fromkeys(row.source for row in corrections):
        report(f"hint: corrected after {page}")
    return 0


def _is_live_only(provider: str | None) -> bool:
    """Whether no registry lists the models of this provider, so that only the provider itself can."""
    return provider is not None and provider != SIMULATED and not host_of(provider).listed


def _corrected(row: Correction) -> tuple[str, str]:
    return ("corrected", f"{row.field} is {_word(row.value)}, not {_word(row.published)}")


def _word(value: str | bool) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def _to_ask(provider: str | None) -> list[str]:
    if provider is not None:
        return [provider]
    return [name for name in ready_providers() if name != SIMULATED]


def _show(models: Sequence[ModelFacts], *, json: bool) -> None:
    if json:
        print_json([facts_json(facts) for facts in models])
        return
    if not models:
        report("no models are known")
    print_table(("model", "context", "input", "output", "can"), [_row(facts) for facts in models])


def _pool(name: str, profile: str | None) -> tuple[ModelRef, ...]:
    if lockfiles.is_reference(name, known_providers()):
        return (ModelRef.parse(name),)
    lockfile = lockfiles.load()
    active = lockfiles.active_profile(lockfile, profile)
    return lockfiles.resolve(
        lockfile, name, active, providers=known_providers(), packages=lockfiles.installed_lockfile
    ).models


def _row(facts: ModelFacts) -> tuple[str, ...]:
    return (
        f"{facts.provider}:{facts.model}",
        tokens_text(facts.context_window),
        price_text(facts.prices.input),
        price_text(facts.prices.output),
        " ".join(capabilities(facts)),
    )


def _lines(facts: ModelFacts) -> list[tuple[str, str]]:
    """Return what is known, one fact per line; what is not known has none."""
    prices = facts.prices
    lines = [
        ("model", f"{facts.provider}:{facts.model}"),
        ("name", facts.display_name),
        ("also called", ", ".join(facts.aliases)),
        ("context", facts.context_window and f"{facts.context_window:,} tokens"),
        ("longest answer", facts.max_output_tokens and f"{facts.max_output_tokens:,} tokens"),
        ("can", " ".join(capabilities(facts))),
        *(
            (f"price of {name}", f"${price_text(price)} per million tokens")
            for name, price in (
                ("input", prices.input),
                ("output", prices.output),
                ("cache reads", prices.cache_read),
                ("cache writes", prices.cache_write_5m),
                ("input, long prompt", prices.long_input),
                ("output, long prompt", prices.long_output),
            )
            if price is not None
        ),
        ("long prompt", prices.long_threshold and f"more than {prices.long_threshold:,} tokens"),
        ("prices from", prices.source),
        ("state", "retired" if facts.active is False else "active" if facts.active else None),
        ("retires on", facts.retires_on and facts.retires_on.isoformat()),
    ]
    return [(name, text) for name, text in lines if text]
