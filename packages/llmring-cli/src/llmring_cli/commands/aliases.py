"""``llmring bind``, ``unbind`` and ``aliases``."""

from pathlib import Path
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter

from llmring_cli._output import print_json, print_table, say


def bind(
    alias: str,
    models: str,
    /,
    *,
    profile: str | None = None,
    lockfile: Annotated[Path | None, Parameter(alias="-f")] = None,
) -> None:
    """Bind an alias to a model, or to a pool of models.

    Example: llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini

    Args:
        alias: The name that applications use.
        models: One provider:model, or several with commas between them, best first.
        profile: The profile; LLMRING_PROFILE or the lockfile's default when it is left out.
        lockfile: The file; the one that applications here would find, or a new one.
    """
    path = _path_to_write(lockfile)
    lockfiles.bind(path, alias, models, profile=profile, create=True)
    say(f"bound {alias} to {models} in {path}")


def unbind(
    alias: str,
    /,
    *,
    profile: str | None = None,
    lockfile: Annotated[Path | None, Parameter(alias="-f")] = None,
) -> int:
    """Remove an alias. Exit code 1 when it was not bound.

    Args:
        alias: The name.
        profile: The profile; LLMRING_PROFILE or the lockfile's default when it is left out.
        lockfile: The file; the one that applications here would find.
    """
    path = lockfiles.discover(lockfile).path
    if lockfiles.unbind(path, alias, profile=profile):
        say(f"removed {alias} from {path}")
        return 0
    say(f"{alias} is not bound in {path}")
    return 1


def aliases(
    *,
    profile: str | None = None,
    lockfile: Annotated[Path | None, Parameter(alias="-f")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the aliases of a profile, each with its pool.

    Args:
        profile: The profile; LLMRING_PROFILE or the lockfile's default when it is left out.
        lockfile: The file; the one that applications here would find.
        json: Print JSON: alias to list of models.
    """
    found = lockfiles.load(lockfile)
    active = found.profile(lockfiles.active_profile(found, profile).name)
    pools = {binding.alias: [str(model) for model in binding.models] for binding in active.bindings}
    if json:
        print_json(pools)
        return
    say(f"{found.path}, profile {active.name}")
    print_table(("alias", "models"), [(alias, ", ".join(pool)) for alias, pool in pools.items()])


def _path_to_write(lockfile: Path | None) -> Path:
    if lockfile is not None:
        return lockfile
    found = lockfiles.discover()
    return lockfiles.new_lockfile_path() if found.is_bundled else found.path
