"""``llmring lock validate``."""

import llmring_lockfile as lockfiles
from llmring import open_registry
from llmring.registry import Registry
from llmring_types import ModelRef

from llmring_cli._output import print_json, print_table, say
from llmring_cli._parameters import Json, LockfilePath

INVALID = 1


def validate(*, lockfile: LockfilePath = None, json: Json = False) -> int:
    """Check every model of every pool against what is known of models.

    Exit code 1 when a model is unknown or retired. Models of providers that the registry does not list, such as those
    installed in Ollama, cannot be judged and pass.

    $ llmring lock validate
    $ llmring lock validate --json
    """
    found = lockfiles.load(lockfile)
    registry = open_registry()
    rows = [
        (profile.name, binding.alias, str(ref), _problem(registry, ref))
        for profile in found.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    ]
    if json:
        names = ("profile", "alias", "model", "problem")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        say(str(found.path))
        print_table(("profile", "alias", "model", "state"), [(*row[:3], row[3] or "ok") for row in rows])
    return INVALID if any(row[3] for row in rows) else 0


def _problem(registry: Registry, ref: ModelRef) -> str | None:
    """What is wrong with a member; models of providers that the registry does not list cannot be judged."""
    facts = registry.facts(ref.provider, ref.model)
    if facts is None:
        return "not in the registry" if registry.models(ref.provider) else None
    if facts.active is False:
        return "retired"
    return None
