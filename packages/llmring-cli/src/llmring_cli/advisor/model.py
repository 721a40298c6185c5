"""Which model advises."""

from collections.abc import Sequence

from llmring import LLMRing, ModelRef
from llmring_lockfile import BUNDLED, DEFAULT_PROFILE, Binding, Lockfile, Profile, discover, load
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ProfileNotFoundError,
    ProviderNotFoundError,
)

from llmring_cli._demo import installed_model

ADVISOR = "advisor"


async def find_advisor(wanted: str | None) -> tuple[LLMRing, str] | None:
    """Return a ring and the name to ask it for; ``None`` where no model can be asked.

    That is the model wanted, else the alias ``advisor`` of the lockfile here, else that of the lockfile that ships with
    llmring, by the first provider that has a key, else a model that Ollama has installed.

    Raises:
        LLMRingError: the model that was wanted cannot be asked.
    """
    if wanted is not None:
        ring = LLMRing()
        ring.resolve_alias(wanted)
        return ring, wanted
    for lockfile in _lockfiles():
        ring = LLMRing(lockfile=lockfile)
        try:
            ring.resolve_alias(ADVISOR)
        except (AliasNotFoundError, ProfileNotFoundError, ProviderNotFoundError):
            continue
        return ring, ADVISOR
    local = await installed_model()
    return None if local is None else (LLMRing(lockfile=_binding(local)), ADVISOR)


def _lockfiles() -> Sequence[Lockfile]:
    try:
        found = discover()
        own = [] if found.is_bundled else [load(found.path)]
    except LLMRingError:
        own = []  # the advisor may be here to mend it
    return [*own, load(BUNDLED)]


def _binding(ref: ModelRef) -> Lockfile:
    return Lockfile(profiles={DEFAULT_PROFILE: Profile(DEFAULT_PROFILE, (Binding(ADVISOR, (ref,)),))})
