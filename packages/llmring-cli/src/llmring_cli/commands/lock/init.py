"""``llmring lock init``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter
from llmring import ModelRef, open_registry
from llmring.suggest import suggest_aliases

from llmring_cli._live import DEMO, installed_model
from llmring_cli._lockfiles import find_lockfile, shown
from llmring_cli._models import ready_providers
from llmring_cli._output import print_json, report
from llmring_cli._parameters import Flag, Json, LockfilePath


async def init(
    *,
    file: Annotated[Path | None, Parameter(name=("--file", "--lockfile", "-f"))] = None,
    force: Flag = False,
    json: Json = False,
) -> None:
    """Write a new lockfile with a first set of aliases, or add what is missing to one.

    The aliases use the providers whose keys are set. Without a key, "default" is bound to a model that Ollama
    has installed, or to the simulated one.

    $ llmring lock init
    $ llmring lock init --file config/llmring.lock --force

    Args:
        file: The file. Default: llmring.lock in the project's package folder if there is one, else ./llmring.lock.
        force: Add the aliases to an existing file. What is bound there stays, unless it is the simulated model.
    """
    path = file or _own_place()
    bindings = await _suggested()
    if force and path.exists():
        bindings = _add(path, bindings)
    else:
        lockfiles.create_lockfile(path, bindings={alias: list(pool) for alias, pool in bindings.items()})
    if json:
        print_json(
            {
                "lockfile": str(path),
                "aliases": {name: list(map(str, pool)) for name, pool in bindings.items()},
            }
        )
        return
    report(f"wrote {shown(path)}" if bindings else f"{shown(path)} has these aliases already")
    for alias, pool in bindings.items():
        report(f"  {alias}: {', '.join(map(str, pool))}")
    if bindings == {"default": [DEMO]}:
        report("no key is set and Ollama does not run, so a simulated model answers")
        again = "llmring lock init --force" if file is None else f"llmring lock init --file {file} --force"
        report(f"hint: set a key (OPENAI_API_KEY, or llmring keys set openai), then: {again}")


def _own_place() -> Path:
    """Return where the lockfile of this folder is, else where a new one belongs."""
    found = lockfiles.discover(environ={})
    return lockfiles.new_lockfile_path() if found.is_bundled else found.path


def _add(path: Path, bindings: Mapping[str, list[ModelRef]]) -> dict[str, list[ModelRef]]:
    """Bind what is not bound yet, and return that."""
    with lockfiles.editing(path) as document:
        profile = document.lockfile.profiles.get(document.lockfile.default_profile)
        bound = {row.alias: row.models for row in profile.bindings} if profile else {}
        added = {
            alias: pool
            for alias, pool in bindings.items()
            if alias not in bound or bound[alias] == (DEMO,) != tuple(pool)
        }
        for alias, pool in added.items():
            document.bind(alias, pool)
    return added


def migrate(*, lockfile: LockfilePath = None, json: Json = False) -> None:
    """Rewrite bindings from before format 1.0, which have provider and model instead of models.

    Comments stay.

    $ llmring lock migrate
    """
    path = find_lockfile(lockfile)
    with lockfiles.editing(path) as document:
        document.migrate()
    if json:
        print_json({"lockfile": str(path), "changed": document.changed})
    else:
        report(f"rewrote {shown(path)}" if document.changed else f"{shown(path)} needs no change")


async def _suggested() -> dict[str, list[ModelRef]]:
    suggested = suggest_aliases(ready_providers(), open_registry().models)
    return suggested or {"default": [await installed_model() or DEMO]}
