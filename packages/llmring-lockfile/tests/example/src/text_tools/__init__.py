"""A library that asks for a model by what it does, and ships a proposal which model that is."""

from pathlib import Path

from llmring_lockfile import Resolver, has_alias, require_aliases

SHIPPED = Path(__file__).with_name("llmring.lock")
NEEDED = ("extractor", "translator")


class TextTools:
    """Uses the lockfile that ships with it, or the one that its user names."""

    def __init__(self, lockfile: Path | str = SHIPPED, profile: str | None = None) -> None:
        self._resolver = Resolver(lockfile)
        self._profile = profile
        require_aliases(self._resolver.lockfile, NEEDED, profile, context="text-tools")

    def model_for(self, task: str) -> str:
        """The model that would do a task now."""
        return str(self._resolver.resolve(task, self._profile).models[0])

    def can_proofread(self) -> bool:
        """Whether the lockfile has what an optional feature needs."""
        return has_alias(self._resolver.lockfile, "proofreader", self._profile)
