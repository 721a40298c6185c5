"""Names of aliases, packages and providers: what kind of name, and which ones are near."""

import re
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

from llmring_types.hosts import HostNames

KNOWN_PROVIDERS: AbstractSet[str] = HostNames(lambda _: True)
"""Providers whose name before a colon makes a direct reference, unless the caller names others: all hosts."""

_SEPARATORS = re.compile(r"[-_.]+")


def is_reference(name: str, providers: Collection[str] = KNOWN_PROVIDERS) -> bool:
    """Whether a name is a direct ``provider:model``, by the provider before its first colon."""
    provider, colon, _ = name.partition(":")
    return bool(colon) and provider.strip().lower() in providers


def same_package(one: str, other: str) -> bool:
    """Whether two spellings name one package: case does not count, nor which of ``-``, ``_``, ``.`` separates."""
    return normal_package(one) == normal_package(other)


def normal_package(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Known names that a person may have meant, nearest first; at most three."""
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it, and it is slow to import

    folded = {candidate.lower(): candidate for candidate in known}
    return [folded[match] for match in get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
