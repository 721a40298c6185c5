"""Texts in batches that fit a provider's limits. Pure."""

from collections.abc import Iterator, Sequence

from llmring_providers.embeddings import EmbeddingLimits

_BYTES_PER_TOKEN = 2
"""Fewer than texts of any usual language have, so that a batch is rather too small than too large."""


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
