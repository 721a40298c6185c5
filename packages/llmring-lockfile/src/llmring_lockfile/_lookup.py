"""Facts asked of a registry that may be out of reach."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import RegistryError
from llmring_types.hosts import HostNames

from llmring_lockfile._findings import Finding, Place, Severity
from llmring_lockfile._lock import FactsOf, Member, members
from llmring_lockfile._model import Lockfile

UNLISTED_PROVIDERS: AbstractSet[str] = HostNames(lambda host: not host.listed)
"""Hosts whose models no registry lists."""


class Lookup:
    """Asks for each model once, and for no other of a provider of which nothing could be had."""

    def __init__(self, facts: FactsOf) -> None:
        self._facts = facts
        self._known: dict[ModelRef, ModelFacts | None] = {}
        self.failed: dict[str, RegistryError] = {}

    def reach(self, model: ModelRef) -> bool:
        """Return whether the registry can say anything of a model, even that it does not list it."""
        if model not in self._known and model.provider not in self.failed:
            try:
                self._known[model] = self._facts(model)
            except RegistryError as error:
                self.failed[model.provider] = error
        return model in self._known

    def get(self, model: ModelRef) -> ModelFacts | None:
        return self._known.get(model)


def by_model(lockfile: Lockfile) -> dict[ModelRef, list[Member]]:
    """Every model in the pools with its places, in the order of the file."""
    found: dict[ModelRef, list[Member]] = defaultdict(list)
    for member in members(lockfile):
        found[member.model].append(member)
    return found


def unreachable(known: Lookup, pooled: Mapping[ModelRef, Sequence[Member]]) -> Iterator[Finding]:
    """One error for each provider of which nothing could be had."""
    for provider, error in known.failed.items():
        places = [
            Place.of(member)
            for model, found in pooled.items()
            if model.provider == provider and not known.reach(model)
            for member in found
        ]
        yield Finding(
            rule="registry-unreachable",
            severity=Severity.ERROR,
            message=f"Nothing can be said of the models of {provider}: {error}",
            places=tuple(places),
        )


def is_retired(facts: ModelFacts, today: date) -> bool:
    return facts.active is False or (facts.retires_on is not None and facts.retires_on <= today)
