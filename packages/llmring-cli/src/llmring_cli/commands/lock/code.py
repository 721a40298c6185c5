"""``llmring lock stubs`` and ``llmring lock scan``: the lockfile and the code that uses it."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from llmring_lockfile import AliasUse, Scan, installed_lockfile, known_aliases, read_sources
from llmring_lockfile import scan as scan_sources
from llmring_lockfile import stubs as write_stubs

from llmring_cli._files import write_output
from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli._models import known_providers
from llmring_cli._output import FAILED, CommandError, count_text, print_json, print_line, report, write_exact
from llmring_cli._parameters import Flag, Json, LockfilePath

Source = tuple[Path, str | None]
"""A file and its text; ``None`` where it cannot be read."""


def stubs(
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    name: str = "Alias",
    profile: str | None = None,
    check: Flag = False,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> int:
    """Write the aliases as a Python type.

    A type checker then reports wrong aliases.

    $ llmring lock stubs --output src/my_app/aliases.py
    $ llmring lock stubs --output src/my_app/aliases.py --check

    Args:
        output: The file. Default: standard output.
        name: The name of the type.
        profile: Only this profile's aliases. Default: those of every profile.
        check: Write nothing; exit code 1 if the file is out of date.
    """
    found = read_lockfile(lockfile).lockfile
    profiles = None if profile is None else [profile]
    if not name.isidentifier():
        raise CommandError(f"{name!r} cannot be the name of a Python type")
    text = write_stubs(known_aliases(found, profiles, packages=installed_lockfile), name=name)
    written = output is not None and _write_stubs(output, text, check=check)
    wrong = check and written
    if json:
        print_json(
            {
                "output": None if output is None else str(output),
                "up_to_date": not wrong,
                "written": written and not check,
                "text": text,
            }
        )
    elif output is None:
        write_exact(text)
    elif wrong:
        report(f"{output} is out of date. To update it: llmring lock stubs --output {output}")
    else:
        report(f"wrote {output}" if written else f"{output} is up to date")
    return FAILED if wrong else 0


def _write_stubs(output: Path, text: str, *, check: bool) -> bool:
    """Return whether the file is out of date, and write it unless it is only checked."""
    data = text.encode()
    try:
        same = output.is_file() and output.read_bytes().replace(b"\r\n", b"\n") == data
    except OSError as error:
        raise CommandError(f"cannot read {output}: {error.strerror}") from error
    if not same and not check:
        write_output(output, data)
    return not same


def scan(
    *sources: Path, profile: str | None = None, lockfile: LockfilePath = None, json: Json = False
) -> int:
    """Compare the aliases in Python code with the lockfile.

    The output lists aliases that the code uses and the lockfile lacks, and aliases that no code uses. The code is
    parsed, not run. Exit code 1 if an alias is missing.

    $ llmring lock scan src tests

    Args:
        sources: Files and folders. Default: the working directory.
        profile: Search only this profile. Default: every profile.
    """
    source = read_lockfile(lockfile)
    roots = sources or (Path(),)
    for root in roots:
        if not root.exists():
            raise CommandError(f"there is no {root}")
    unreadable: set[Path] = set()
    found = scan_sources(
        source.lockfile,
        _noting(chain.from_iterable(map(read_sources, roots)), unreadable),
        profile,
        providers=known_providers(),
        packages=installed_lockfile,
    )
    if json:
        print_json(_plain(found))
    else:
        _show(found, unreadable, shown(source.path))
    return FAILED if found.missing else 0


def _noting(sources: Iterable[Source], unreadable: set[Path]) -> Iterator[Source]:
    """Pass sources on, and add those that have no text to ``unreadable``."""
    for path, text in sources:
        if text is None:
            unreadable.add(path)
        yield path, text


def _show(found: Scan, unreadable: set[Path], lockfile: Path) -> None:
    for use in found.missing:
        print_line(f"{use.path}:{use.line}:{use.column}: error: the alias {use.alias!r} is not bound")
    for path in found.unread:
        why = "cannot be read" if path in unreadable else "not valid Python, so it was not read"
        print_line(f"{path}: warning: {why}")
    for alias in found.unused:
        sure = ", as far as static analysis can tell" if found.dynamic else ""
        print_line(f"{lockfile}: warning: no code names the alias {alias!r}{sure}")
    report(f"{count_text(len(found.uses), 'use')} of aliases, {len(found.missing)} not bound")


def _plain(found: Scan) -> dict[str, Any]:
    return {
        "missing": [_use(use) for use in found.missing],
        "unused": found.unused,
        "uses": [_use(use) for use in found.uses],
        "dynamic": [_use(use) for use in found.dynamic],
        "unread": [str(path) for path in found.unread],
    }


def _use(use: AliasUse) -> dict[str, Any]:
    return {"path": str(use.path), "line": use.line, "column": use.column, "alias": use.alias}
