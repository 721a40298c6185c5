"""Vectors and scores that a simulated host makes up: always the same for the same text, and alike for like words."""

import hashlib
import math
import re
from collections.abc import Sequence

_LENGTH = 32
"""Of a vector where nothing else is asked for."""
_WORD = re.compile(r"\w+")


def vector(text: str, dimensions: int | None) -> list[float]:
    """Return a vector of length 1: the sum of one direction per word, so that texts with common words are near."""
    length = dimensions or _LENGTH
    total = [0.0] * length
    for word in _WORD.findall(text.lower()) or [text]:
        seed = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        for place in range(length):
            total[place] += seed[(place * 7 + place // 32) % 32] - 127.5
    size = math.hypot(*total) or 1.0
    return [round(number / size, 6) for number in total]


def scores(query: str, documents: Sequence[str]) -> list[float]:
    """Return the relevance of documents: the cosine of their vectors with that of the query, between 0 and 1."""
    asked = vector(query, None)
    return [
        round((1 + sum(one * other for one, other in zip(asked, vector(each, None), strict=True))) / 2, 6)
        for each in documents
    ]


def tokens(texts: Sequence[str]) -> int:
    """Return a plausible count of tokens."""
    return sum(len(_WORD.findall(text)) + 1 for text in texts)
