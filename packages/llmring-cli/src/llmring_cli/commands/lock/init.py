"""``llmring lock init``."""

from pathlib import Path
from typing import Annotated

import llmring_lockfile as lockfiles
from cyclopts import Parameter
from llmring import ModelRef, open_registry
from llmring.suggest import suggest_aliases

from llmring_cli._live import DEMO, installed_model
from llmring_cli._lockfiles import shown
from llmring_cli._models import ready_providers
from llmring_cli._output import print_json, report
from llmring_cli._parameters import Flag, Json


async def init(
    *,
    file: Annotated[Path | None, Parameter(name=("--file", "--lockfile", "-f"))] = None,
    force: Flag = False,
    json: Json = False,
) -> None:
    """Write a new lockfile with a first set of aliases.

    The aliases use the providers whose keys are set. Without a key, "default" is bound to a model that Ollama
    has installed, or to the simulated one.

    $ llmring lock init
    $ llmring lock init --file config/llmring.lock --force

    Args:
        file: The file. Default: llmring.lock in the project's package folder if there is one, else ./llmring.lock.
        force: Overwrite an existing file.
    """
    path = file or lockfiles.new_lockfile_path()
    bindings = await _suggested()
    lockfiles.create_lockfile(
        path, bindings={alias: [str(ref) for ref in pool] for alias, pool in bindings.items()}, force=force
    )
    if json:
        print_json(
            {
                "lockfile": str(path),
                "aliases": {name: list(map(str, pool)) for name, pool in bindings.items()},
            }
        )
        return
    report(f"wrote {shown(path)}")
    for alias, pool in bindings.items():
        report(f"  {alias}: {', '.join(map(str, pool))}")
    if bindings == {"default": [DEMO]}:
        report("no key is set and Ollama does not run, so a simulated model answers")
        again = "llmring lock init --force" if file is None else f"llmring lock init --file {file} --force"
        report(f"hint: set a key, such as OPENAI_API_KEY, then: {again}")


async def _suggested() -> dict[str, list[ModelRef]]:
    suggested = suggest_aliases(ready_providers(), open_registry().models)
    return suggested or {"default": [await installed_model() or DEMO]}
