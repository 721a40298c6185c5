"""``llmring bind``, ``unbind`` and ``aliases``."""

from typing import Annotated

import llmring_lockfile as lockfiles
import msgspec
from cyclopts import Parameter
from llmring_lockfile import Binding
from llmring_types.exceptions import ModelReferenceError

from llmring_cli._environment import admit_hosts
from llmring_cli._lockfiles import find_lockfile, lockfile_to_write, read_lockfile, shown
from llmring_cli._output import FAILED, print_json, print_table, report
from llmring_cli._parameters import Alias, Flag, Json, LockfilePath, Pool, ProfileName


def bind(
    alias: Alias,
    models: Pool,
    /,
    *,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> None:
    """Bind an alias to a model, or to a pool of models.

    A missing lockfile or profile is created. What no registry knows is bound, with a warning.

    $ llmring bind summarizer anthropic:claude-haiku-4-5
    $ llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini --profile prod

    Args:
        alias: The name that applications use.
        models: One provider:model, or several separated by commas, best first.
    """
    path = lockfile_to_write(lockfile)
    try:
        found = lockfiles.bind(path, alias, models, profile=profile, create=True)
    except ModelReferenceError as error:
        from llmring_cli._mistakes import near_models  # noqa: PLC0415 - most references are right

        error.message += lockfiles.did_you_mean(near_models(error.reference) if error.reference else [])
        raise
    active = lockfiles.active_profile(found, profile).name
    binding = found.profile(active).binding(alias)
    pool = [] if binding is None else [str(model) for model in binding.models]
    admit_hosts(found)
    from llmring_cli._mistakes import doubts  # noqa: PLC0415 - it brings the registry

    for doubt in doubts(alias, () if binding is None else binding.models, found.extends):
        report(f"warning: {doubt}")
    if json:
        print_json({"lockfile": str(path), "profile": active, "alias": alias, "models": pool})
    else:
        report(f"bound {alias} to {', '.join(pool)} in {shown(path)}, profile {active}")


def unbind(
    alias: Alias, /, *, profile: ProfileName = None, lockfile: LockfilePath = None, json: Json = False
) -> int:
    """Remove an alias.

    Exit code 1 if it was not bound.

    $ llmring unbind summarizer

    Args:
        alias: The name.
    """
    path = find_lockfile(lockfile)
    active = lockfiles.active_profile(lockfiles.load(path), profile).name
    removed = lockfiles.unbind(path, alias, profile=profile)
    if json:
        print_json({"lockfile": str(path), "profile": active, "alias": alias, "removed": removed})
    elif removed:
        report(f"removed {alias} from {shown(path)}, profile {active}")
    else:
        report(f"{alias} is not bound in {shown(path)}, profile {active}")
    return 0 if removed else FAILED


def aliases(
    *,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
    verbose: Annotated[Flag, Parameter(alias="-v")] = False,
    json: Json = False,
) -> None:
    """List the aliases of a profile, each with its pool.

    JSON output maps each alias to a list of models, best first.

    $ llmring aliases
    $ llmring aliases --profile prod --json

    Args:
        verbose: Show the constraints of each alias as well, and which providers of its pool are configured.
    """
    source = read_lockfile(lockfile)
    active = source.lockfile.profile(lockfiles.active_profile(source.lockfile, profile).name)
    pools = {binding.alias: [str(model) for model in binding.models] for binding in active.bindings}
    if json:
        print_json(pools)
        return
    report(f"{shown(source.path)}, profile {active.name}")
    if verbose:
        print_table(
            ("alias", "models", "constraints", "ready"),
            [
                (row.alias, ", ".join(map(str, row.models)), _constraints(row), _ready(row))
                for row in active.bindings
            ],
        )
        return
    print_table(("alias", "models"), [(alias, ", ".join(pool)) for alias, pool in pools.items()])


def _constraints(row: Binding) -> str:
    table = {name: value for name, value in msgspec.structs.asdict(row.constraints).items() if value}
    return ", ".join(
        f"{name}={'+'.join(value) if isinstance(value, tuple) else value}" for name, value in table.items()
    )


def _ready(row: Binding) -> str:
    """Name the providers of a pool that have a key or need none, in its order."""
    from llmring_cli._models import ready_providers  # noqa: PLC0415 - only for --verbose

    ready = ready_providers()
    return ", ".join(dict.fromkeys(ref.provider for ref in row.models if ref.provider in ready)) or "none"
