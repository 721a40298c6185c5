"""``llmring list``, ``llmring info`` and ``llmring providers``."""

from collections.abc import Sequence
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter
from llmring import ModelFacts, ModelRef, ProviderStatus, open_registry, provider_status
from llmring.registry import PROVIDERS, Correction
from llmring_types.hosts import host_of

from llmring_cli._environment import report_refused_hosts
from llmring_cli._lockfiles import admit_found_hosts
from llmring_cli._models import (
    SIMULATED,
    capabilities,
    facts_json,
    is_listening,
    known_providers,
    price_text,
    ready_providers,
    require_provider,
    tokens_text,
)
from llmring_cli._output import FAILED, print_json, print_table, report
from llmring_cli._parameters import Flag, Json, ModelName, ProfileName, ProviderName
from llmring_cli._waiting import waiting

_HEADERS = ("model", "most input", "$ in", "$ out", "can")


def list_models(
    *words: str,
    provider: Annotated[ProviderName | None, Parameter(alias="-p")] = None,
    live: Flag = False,
    every: Annotated[Flag, Parameter(name="--all")] = False,
    json: Json = False,
) -> int:
    """List the known models, with input limits, prices in US dollars per million tokens, and capabilities.

    "most input" is the limit of a request in tokens; the answer has its own, which llmring info shows, and both
    together fill the context window of most models. The models come from the registry; for Ollama, and with --live
    for every usable provider, from the provider itself; limits and prices that it states are kept for later calls.
    A terminal shows a list longer than its screen in a pager. Exit code 1 if a provider could not be reached.

    $ llmring list sonnet
    $ llmring list --provider openai vision
    $ llmring list --live --provider ollama
    $ llmring list --json | jq -r '.[] | select(.prices.input < 1) | .model'

    Args:
        words: Only models with each of these words in their names or capabilities.
        provider: Only this provider's models.
        live: Request the models that the providers offer for your keys.
        every: Include retired models.
    """
    admit_found_hosts()
    if provider is not None:
        require_provider(provider)
    failed = False
    if live or _is_live_only(provider):
        import asyncio  # noqa: PLC0415 - as the transports, only for requests

        from llmring_cli._live import live_models  # noqa: PLC0415

        with waiting("asking the providers"):
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
    shown = [facts for facts in models if (every or facts.active is not False) and _has_words(facts, words)]
    _show(shown, words, json=json)
    return FAILED if failed else 0


def info(model: ModelName, /, *, profile: ProfileName = None, json: Json = False) -> int:
    """Show the known facts about a model or an alias.

    For an alias, the first model of its pool is shown. Known errors of the registry are corrected and marked.
    Exit code 1 if the model is unknown; it may still work.

    $ llmring info anthropic:claude-haiku-4-5
    $ llmring info summarizer --json

    Args:
        model: An alias or provider:model.
    """
    pool = _pool(model, profile)
    registry = open_registry()
    facts = registry.facts(pool[0].provider, pool[0].model)
    if facts is None:
        from llmring_cli._mistakes import near_models  # noqa: PLC0415 - most models are known

        hint = lockfiles.did_you_mean(near_models(str(pool[0])))
        report(f"{pool[0]} is unknown; it may still work{hint}")
        report_refused_hosts()
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
        report(f"hint: corrections from {page}")
    return 0


def _is_live_only(provider: str | None) -> bool:
    """Return whether only the provider itself, and no registry, lists its models."""
    return provider is not None and provider != SIMULATED and not host_of(provider).listed


def _corrected(row: Correction) -> tuple[str, str]:
    return ("corrected", f"{row.field} is {_word(row.value)}, not {_word(row.published)}")


def _word(value: str | bool) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def _to_ask(provider: str | None) -> list[str]:
    if provider is not None:
        return [provider]
    from llmring_providers import installed_providers  # noqa: PLC0415 - only to ask them

    ready = {*ready_providers(), *installed_providers()} - {SIMULATED}
    return sorted(name for name in ready if host_of(name).models_path is not None)


def _has_words(facts: ModelFacts, words: Sequence[str]) -> bool:
    names = (f"{facts.provider}:{facts.model}", facts.display_name or "", *facts.aliases)
    text = " ".join((*names, *capabilities(facts))).casefold()
    return all(word.casefold() in text for word in words)


def _show(models: Sequence[ModelFacts], words: Sequence[str], *, json: bool) -> None:
    if json:
        print_json([facts_json(facts) for facts in models])
        return
    if not models:
        from llmring_cli._mistakes import near_models  # noqa: PLC0415 - most lists have models

        hint = lockfiles.did_you_mean(near_models("-".join(words)) if words else [])
        report(f"no known models{' with ' if words else ''}{' '.join(words)}{hint}")
    print_table(_HEADERS, [_row(facts) for facts in models])


def _pool(name: str, profile: str | None) -> tuple[ModelRef, ...]:
    admit_found_hosts()
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
    """Return one line per known fact."""
    prices = facts.prices
    lines = [
        ("model", f"{facts.provider}:{facts.model}"),
        ("name", facts.display_name),
        ("also called", ", ".join(facts.aliases)),
        ("most input", facts.context_window and f"{facts.context_window:,} tokens"),
        ("most output", facts.max_output_tokens and f"{facts.max_output_tokens:,} tokens"),
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


def providers(*, json: Json = False) -> None:
    """List the providers in use, and the settings they lack.

    No request is sent; a server on this machine is ready if something listens at its address. Keys are never shown.
    `llmring hosts` lists every host that llmring knows.

    $ llmring providers
    """
    admit_found_hosts()
    rows = provider_status(in_use=True)
    if json:
        print_json(rows)
        return
    report_refused_hosts()
    print_table(
        ("provider", "state", "needs"),
        [
            (
                row.name,
                _state(row),
                (row.missing or "").removeprefix("set "),
            )
            for row in rows
        ],
    )


def _state(row: ProviderStatus) -> str:
    if not row.configured:
        return "not configured"
    return "not running" if is_listening(row.name) is False else "ready"
