"""Lineage: versions of one product, recognized by the names of models.

Registries rarely know release dates, and families mix sizes (``gpt-5`` and ``gpt-5-nano`` are one family). Names are
more telling: without versions and dates, ``claude-3-5-haiku-20241022`` and ``claude-haiku-4-5`` are both
``claude haiku``, and neither is ``claude opus``.
"""

import re
from datetime import date
from functools import lru_cache

import msgspec

_DATE = re.compile(r"-(?:(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2}))(?=$|-)")
_STAMP = re.compile(r"^\d{3,}$")
_VERSION = re.compile(r"^v?(\d{1,2}(?:\.\d+)*)[a-z]?$")
_WORD_WITH_VERSION = re.compile(r"^([a-z]+)(\d+(?:\.\d+)*)$")
_UNSTABLE = frozenset({"preview", "exp", "experimental", "beta", "alpha"})
_NO_MEANING = frozenset({"latest"})


class Lineage(msgspec.Struct, frozen=True):
    """A model's place among its kin.

    Attributes:
        line: the name without versions and dates, such as ``("claude", "haiku")``, in alphabetical order.
        version: such as ``(4, 5)``; ``()`` for a name without one.
        stamp: the date in the name, if any.
        stable: whether the name does not say that it is a preview.
    """

    line: tuple[str, ...]
    version: tuple[int, ...]
    stamp: date | None
    stable: bool

    def newer_than(self, other: "Lineage") -> bool:
        """Return whether this is a later version, or a later snapshot of the same version."""
        if self.version != other.version:
            return self.version > other.version
        return self.stamp is not None and other.stamp is not None and self.stamp > other.stamp


@lru_cache(maxsize=1024)
def lineage(model: str) -> Lineage:
    """Read a model's name."""
    name, stamp = _without_date(model.lower())
    words: list[str] = []
    version: list[int] = []
    stable = True
    for token in re.split(r"[-_:/ ]+", name):
        numbered = _WORD_WITH_VERSION.match(token)
        if token in _UNSTABLE:
            stable = False
        elif not token or token in _NO_MEANING or _STAMP.match(token):
            continue
        elif found := _VERSION.match(token):
            version += map(int, found[1].split("."))
        elif numbered:
            words.append(numbered[1])
            version += map(int, numbered[2].split("."))
        else:
            words.append(token)
    return Lineage(tuple(sorted(words)), tuple(version), stamp, stable)


def _without_date(name: str) -> tuple[str, date | None]:
    found = _DATE.search(name)
    if found is None:
        return name, None
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        stamp = date(year, month, day)
    except ValueError:  # digits that are not a date
        return name, None
    return name[: found.start()] + name[found.end() :], stamp
