"""Embedding models of a pool: which of them give vectors that can be compared."""

from collections.abc import Iterator

from llmring_types import ModelRef

from llmring_lockfile._findings import Finding, Place, Severity
from llmring_lockfile._lock import members
from llmring_lockfile._model import LockedModel, Lockfile


def embedding_model(model: ModelRef, locked: LockedModel | None) -> str | None:
    """Return the name of an embedding model without its host, by which two hosts of the same model are known.

    ``openrouter:openai/text-embedding-3-small`` is OpenAI's own. A model that no registry lists goes by the name in the
    pool; ``None`` where nothing was locked.
    """
    if locked is None:
        return None
    return (locked.snapshot or model.model).rpartition("/")[2].lower()


def mixed_embeddings(lockfile: Lockfile) -> Iterator[Finding]:
    """Find members of a pool for an index that can never be asked, since their vectors are others."""
    for member in members(lockfile):
        first = member.binding.primary
        if member.binding.constraints.dimensions is None or member.model == first:
            continue
        locked = [lockfile.locked.get(str(model)) for model in (first, member.model)]
        if None in locked:
            reason = "are not both locked, so nobody knows whether their vectors can be compared"
        elif embedding_model(first, locked[0]) != embedding_model(member.model, locked[1]):
            reason = "are different models, whose vectors cannot be compared"
        else:
            continue
        yield Finding(
            rule="embedding-mixed",
            severity=Severity.WARNING,
            message=f"{member.model} is never asked for embeddings: it and {first} {reason}",
            model=str(member.model),
            places=(Place.of(member),),
        )
