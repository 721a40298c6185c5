"""``llmring bind``, ``unbind`` and ``aliases``."""

from pathlib import Path

import llmring_lockfile as lockfiles
from llmring_types.exceptions import LockfileNotFoundError

from llmring_cli._output import print_json, print_table, say
from llmring_cli._parameters import Json, LockfilePath, ProfileName

NOT_BOUND = 1


def bind(
    alias: str,
    models: str,
    /,
    *,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
) -> None:
    """Bind an alias to a model, or to a pool of models.

    A lockfile is created where there is none, and so is the profile.

    $ llmring bind summarizer anthropic:claude-haiku-4-5
    $ llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini --profile prod

    Args:
        alias: The name that applications use.
        models: One provider:model, or several with commas between them, best first.
    """
    path = _path_to_write(lockfile)
    lockfiles.bind(path, alias, models, profile=profile, create=True)
    say(f"bound {alias} to {models} in {path}")


def unbind(
    alias: str,
    /,
    *,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
) -> int:
    """Remove an alias.

    Exit code 1 when it was not bound.

    $ llmring unbind summarizer

    Args:
        alias: The name.
    """
    found = lockfiles.discover(lockfile)
    if found.is_bundled:
        raise LockfileNotFoundError(
            f"there is no lockfile to remove {alias!r} from; create one with: llmring lock init"
        )
    if lockfiles.unbind(found.path, alias, profile=profile):
        say(f"removed {alias} from {found.path}")
        return 0
    say(f"{alias} is not bound in {found.path}")
    return NOT_BOUND


def aliases(
    *,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> None:
    """List the aliases of a profile, each with its pool.

    As JSON: alias to list of models, best first.

    $ llmring aliases
    $ llmring aliases --profile prod --json
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
