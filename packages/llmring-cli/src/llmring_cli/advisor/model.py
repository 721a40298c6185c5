"""The choice of the model that advises."""

from collections.abc import Sequence
from typing import NamedTuple

from llmring import LLMRing, ModelRef
from llmring_lockfile import BUNDLED, DEFAULT_PROFILE, Binding, Lockfile, Profile, discover, load
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ProfileNotFoundError,
    ProviderNotFoundError,
)

from llmring_cli._live import installed_model

ADVISOR = "advisor"


class Advisor(NamedTuple):
    """The advisor: a ring, the name to request from it, and the model that the name resolves to."""

    ring: LLMRing
    name: str
    model: str


async def find_advisor() -> Advisor | None:
    """Return the advisor; ``None`` if no model can be used.

    That is the alias ``advisor`` of the lockfile here, else that of the lockfile that ships with
    llmring, by the first provider that has a key, else a model that Ollama has installed.
    """
    for lockfile in _lockfiles():
        ring = LLMRing(lockfile=lockfile)
        try:
            return Advisor(ring, ADVISOR, ring.resolve_alias(ADVISOR))
        except (AliasNotFoundError, ProfileNotFoundError, ProviderNotFoundError):
            continue
    local = await installed_model()
    return None if local is None else Advisor(LLMRing(lockfile=_binding(local)), ADVISOR, str(local))


def named_advisor(name: str) -> Advisor:
    """Return the advisor that the user named.

    Raises:
        LLMRingError: it cannot be used.
    """
    ring = LLMRing()
    return Advisor(ring, name, ring.resolve_alias(name))


def _lockfiles() -> Sequence[Lockfile]:
    try:
        found = discover()
        own = [] if found.is_bundled else [load(found.path)]
    except LLMRingError:
        own = []  # the advisor may be here to mend it
    return [*own, load(BUNDLED)]


def _binding(ref: ModelRef) -> Lockfile:
    return Lockfile(profiles={DEFAULT_PROFILE: Profile(DEFAULT_PROFILE, (Binding(ADVISOR, (ref,)),))})
