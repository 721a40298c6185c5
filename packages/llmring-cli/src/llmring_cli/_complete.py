"""Completions for the shell. They are computed when the user presses Tab, so nothing here is loaded earlier."""

from typing import TYPE_CHECKING

from llmring_cli._output import one_line

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext


def aliases(_context: "CompletionContext") -> dict[str, str]:
    """Return the aliases of the active profile, each with its pool."""
    return own_aliases()


def own_aliases() -> dict[str, str]:
    """Return the aliases of the active profile, each with its pool.

    Raises:
        LLMRingError: the lockfile cannot be read.
    """
    from llmring_lockfile import active_profile, load  # noqa: PLC0415

    lockfile = load()
    bindings = lockfile.profile(active_profile(lockfile).name).bindings
    return _printable({binding.alias: ", ".join(map(str, binding.models)) for binding in bindings})


def profiles(_context: "CompletionContext") -> list[str]:
    """Return the profiles of the lockfile."""
    from llmring_lockfile import load  # noqa: PLC0415

    return list(_printable(dict.fromkeys(load().profiles, "")))


def models(_context: "CompletionContext") -> dict[str, str]:
    """Return the aliases, then the models."""
    return {**own_aliases(), **known_models()}


def pools(context: "CompletionContext") -> dict[str, str]:
    """Return the pools that begin with the text so far and have one more model after its last comma."""
    before, comma, _ = context.incomplete.rpartition(",")
    return {
        f"{before}{comma}{name}": title
        for name, title in known_models().items()
        if name not in before.split(",")
    }


def known_models() -> dict[str, str]:
    """Return the models that the registry lists as served, each with its display name."""
    from llmring import open_registry  # noqa: PLC0415
    from llmring.registry import PROVIDERS  # noqa: PLC0415

    registry = open_registry()
    return _printable(
        {
            f"{name}:{facts.model}": facts.display_name or ""
            for name in PROVIDERS
            for facts in registry.models(name)
            if facts.active is not False
        }
    )


def _printable(names: dict[str, str]) -> dict[str, str]:
    """Return the names that can be typed, with descriptions of one line; shells print both as they are."""
    return {name: one_line(text) for name, text in names.items() if one_line(name) == name}


def providers(_context: "CompletionContext") -> list[str]:
    """Return the providers that come with llmring."""
    from llmring import provider_status  # noqa: PLC0415

    return [row.name for row in provider_status()]
