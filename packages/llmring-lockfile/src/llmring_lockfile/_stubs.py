"""The aliases as a Python type, so that a checker knows a wrong one."""

import json
import keyword
from collections.abc import Sequence

from llmring_types.exceptions import ValidationError

from llmring_lockfile._model import Lockfile
from llmring_lockfile._resolve import PackageLockfiles, no_packages

_HEAD = '''"""The aliases of llmring.lock, for type checkers. Written by ``llmring lock stubs``: do not edit."""
'''


def known_aliases(
    lockfile: Lockfile,
    profiles: Sequence[str] | None = None,
    *,
    packages: PackageLockfiles = no_packages,
) -> tuple[str, ...]:
    """Every name that resolves in at least one profile, sorted; ``package:alias`` for extended packages.

    Raises:
        ProfileNotFoundError: one of ``profiles`` does not exist.
    """
    tables = [lockfile.profile(name) for name in (lockfile.profiles if profiles is None else profiles)]
    names = {alias for table in tables for alias in table.aliases}
    for package in lockfile.extends:
        shipped = packages(package)
        for table in () if shipped is None else shipped.profiles.values():
            if profiles is None or table.name in profiles:
                names.update(f"{package}:{alias}" for alias in table.aliases)
    return tuple(sorted(names))


def stubs(aliases: Sequence[str], *, name: str = "Alias") -> str:
    """A Python module with one type of these aliases, the same for the same aliases.

    ``def ask(model: Alias)`` then takes no alias that the lockfile lacks.

    Args:
        aliases: see :func:`known_aliases`.
        name: of the type.

    Raises:
        ValidationError: Python has no such name (also a ``ValueError``).
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValidationError(f"{name!r} cannot be the name of a Python type", field="name", value=name)
    if not aliases:
        return f"{_HEAD}\nfrom typing import Never, TypeAlias\n\n{name}: TypeAlias = Never\n"
    lines = "".join(f"    {_literal(alias)},\n" for alias in sorted(set(aliases)))
    return f"{_HEAD}\nfrom typing import Literal, TypeAlias\n\n{name}: TypeAlias = Literal[\n{lines}]\n"


def _literal(alias: str) -> str:
    """A string literal of visible characters, in double quotes as formatters want it.

    JSON's escapes are Python's. It escapes no bidirectional controls, with which code can look like other code.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in json.dumps(alias, ensure_ascii=False)
    )
