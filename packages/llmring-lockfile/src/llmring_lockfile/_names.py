"""Names of aliases, packages and providers, and key paths, which name the values of a lockfile."""

import re
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet

from llmring_types.hosts import HOSTS, HostNames

KNOWN_PROVIDERS: AbstractSet[str] = HostNames(lambda _: True)
"""Providers whose name before a colon makes a direct reference, unless the caller names others: all hosts."""

KeyPath = tuple[str | int, ...]
"""Such as ``("profiles", "dev", "bindings", 0, "models")``."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""
_SEPARATORS = re.compile(r"[-_.]+")
_STEP = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]")


def show_key(path: KeyPath) -> str:
    """The text form, such as ``profiles.dev.bindings[0].models``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if BARE.fullmatch(step) else f'"{step}"')
    return text


def read_relative(text: str) -> KeyPath:
    """The path in a msgspec message, such as ``$.prices.input`` or ``$.models[0]``."""
    return tuple(int(place) if place else name for name, place in _STEP.findall(text.removeprefix("$")))


def is_reference(name: str, providers: Collection[str] = KNOWN_PROVIDERS) -> bool:
    """Return whether a name is a direct ``provider:model``, by the provider before its first colon."""
    provider, colon, _ = name.partition(":")
    return bool(colon) and provider.strip().lower() in providers


def same_package(one: str, other: str) -> bool:
    """Return whether two spellings name one package; case and the choice of ``-``, ``_``, ``.`` do not count."""
    return normal_package(one) == normal_package(other)


def normal_package(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def nearest(name: str, known: Iterable[str], *, most: int = 3, likeness: float = 0.6) -> list[str]:
    """Known names that a person may have meant, nearest first.

    Args:
        name: as it was written; its case does not count.
        known: the names that there are.
        most: how many to return.
        likeness: how alike a name must be, from 0 to 1:
            https://docs.python.org/3/library/difflib.html#difflib.SequenceMatcher.ratio
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need it, and it is slow to import

    folded = {candidate.lower(): candidate for candidate in known}
    return [folded[match] for match in get_close_matches(name.lower(), folded, n=most, cutoff=likeness)]


def did_you_mean(near: Sequence[str], otherwise: str = "") -> str:
    """The end of a message about a name that is not known: ``; did you mean A or B?``.

    Args:
        near: the names that were probably meant.
        otherwise: what follows the semicolon where there is none; empty for nothing.
    """
    rest = f"did you mean {' or '.join(near)}?" if near else otherwise
    return f"; {rest}" if rest else ""


def near_providers(name: str, known: Collection[str]) -> list[str]:
    """Return the providers that a person may have meant: by the product or maker in their titles, else by spelling.

    At most three, the best first. ``gemini`` is the provider ``google``, for example.
    """
    word = name.strip().lower()
    titled = [
        host.name for host in HOSTS.values() if word in host.title.lower().split() and host.name in known
    ]
    return titled[:3] or nearest(name, known)
