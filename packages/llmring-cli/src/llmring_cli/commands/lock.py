"""``llmring lock``."""

from pathlib import Path
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter
from llmring import provider_status
from llmring.registry import Registry
from llmring.suggest import suggest_aliases
from llmring_types import ModelRef

from llmring_cli._demo import SIMULATED, installed_model
from llmring_cli._output import print_json, print_table, say

INVALID = 1


async def init(
    *,
    file: Annotated[Path | None, Parameter(alias="-f")] = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write a new lockfile, with aliases for the providers whose keys are set.

    Args:
        file: Where; the project's package folder when there is one, else ./llmring.lock.
        force: Write over a file that exists.
    """
    path = file or lockfiles.new_lockfile_path()
    bindings = await _suggested()
    lockfiles.create_lockfile(
        path, bindings={alias: [str(ref) for ref in pool] for alias, pool in bindings.items()}, force=force
    )
    say(f"wrote {path}")
    for alias, pool in bindings.items():
        say(f"  {alias}: {', '.join(map(str, pool))}")
    if bindings == {"default": [SIMULATED]}:
        say("No key is set and Ollama does not run, so a simulated model answers.")
        say("Set a key, then: llmring bind default provider:model")


def validate(
    *,
    file: Annotated[Path | None, Parameter(alias="-f")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Check every model of every pool against what is known of models. Exit code 1 when one is unknown or retired.

    Args:
        file: The lockfile; the one that applications here would find.
        json: Print JSON.
    """
    lockfile = lockfiles.load(file)
    registry = Registry()
    rows = [
        (profile.name, binding.alias, str(ref), _problem(registry, ref))
        for profile in lockfile.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    ]
    if json:
        names = ("profile", "alias", "model", "problem")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        say(str(lockfile.path))
        print_table(("profile", "alias", "model", "state"), [(*row[:3], row[3] or "ok") for row in rows])
    return INVALID if any(row[3] for row in rows) else 0


async def _suggested() -> dict[str, list[ModelRef]]:
    ready = [row.name for row in provider_status() if row.configured]
    return suggest_aliases(ready, Registry().models) or {"default": [await installed_model() or SIMULATED]}


def _problem(registry: Registry, ref: ModelRef) -> str | None:
    """What is wrong with a member; models of providers that the registry does not list cannot be judged."""
    facts = registry.facts(ref.provider, ref.model)
    if facts is None:
        return "not in the registry" if registry.models(ref.provider) else None
    if facts.active is False:
        return "retired"
    return None
