"""The members of a pool whose vectors can be compared, by the lockfile, and texts in batches that all of them take."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from llmring_lockfile import LockedModel, embedding_model
from llmring_providers.embeddings import EmbeddingLimits
from llmring_types.exceptions import ModelCapabilityError, ValidationError

from llmring._routing import Candidate, Route

_BYTES_PER_TOKEN = 2
"""Fewer than texts of any usual language have, so that a batch is rather too small than too large."""


def within_one_space(route: Route, locked: Mapping[str, LockedModel]) -> Route:
    """Return the route with those members only whose vectors can stand beside those of the first.

    That is the first alone, unless the lockfile locks dimensions for the alias and the same model for both.
    """
    first = route.candidates[0]
    model = embedding_model(first.ref, locked.get(str(first.ref)))
    same = [first]
    if model is not None and route.constraints.dimensions is not None:
        same += [
            candidate
            for candidate in route.candidates[1:]
            if embedding_model(candidate.ref, locked.get(str(candidate.ref))) == model
        ]
    return msgspec.structs.replace(route, candidates=same)


def dimensions_of(asked: int | None, route: Route) -> int | None:
    """Return the length of the vectors to ask for.

    Raises:
        ValidationError: the request asks for another one than the lockfile locks for the alias.
    """
    locked = route.constraints.dimensions
    if asked is not None and locked is not None and asked != locked:
        raise ValidationError(
            f"dimensions={asked}, but the lockfile locks {locked} for {route.alias!r}: vectors of another length "
            "cannot be compared with those of its index",
            field="dimensions",
            value=asked,
        )
    return locked if asked is None else asked


def without(candidate: Candidate, what: str) -> Candidate:
    """Return the candidate as one that cannot be used, for want of this ability."""
    if candidate.unusable is not None:
        return candidate
    ref = candidate.ref
    refusal = ModelCapabilityError(f"{ref.provider} {what}", provider=ref.provider, model=ref.model)
    return msgspec.structs.replace(candidate, unusable=refusal)


def common(limits: Sequence[EmbeddingLimits]) -> EmbeddingLimits:
    """Return limits that hold for all of these."""
    tokens = [each.tokens for each in limits if each.tokens is not None]
    return EmbeddingLimits(min(each.texts for each in limits), min(tokens) if tokens else None)


def batches(texts: Sequence[str], limits: EmbeddingLimits) -> Iterator[Sequence[str]]:
    """Divide the texts, in order. One that is too long by itself makes a batch of its own: its provider judges it."""
    start, tokens = 0, 0
    for place, text in enumerate(texts):
        size = len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1
        full = place - start >= limits.texts
        if place > start and (full or (limits.tokens is not None and tokens + size > limits.tokens)):
            yield texts[start:place]
            start, tokens = place, 0
        tokens += size
    yield texts[start:]
