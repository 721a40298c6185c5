"""``llmring lock diff``."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from llmring_lockfile import Lockfile, parse
from llmring_lockfile import diff as diff_lockfiles

from llmring_cli._lockfiles import changes_json, print_changes, read_lockfile, shown
from llmring_cli._output import FAILED, CommandError, print_json, report
from llmring_cli._parameters import Flag, Json, LockfilePath

_GIT_SECONDS = 60.0
_CLEAN_ENVIRONMENT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
)
"""The variables that git needs, with the user's own configuration."""
_NO_COMMANDS_OF_THE_REPOSITORY = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "log.showSignature=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.bareRepository=explicit",
)
"""A repository's ``.git/config`` can name commands, some of which fetch missing objects: https://git-scm.com/docs/git-config.
Any folder of a cloned repository may have the files of a bare one."""


def diff(
    old: str = "HEAD",
    /,
    *,
    exit_code: Annotated[Flag, Parameter(name="--exit-code")] = False,
    html: Path | None = None,
    svg: Path | None = None,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> int:
    """Show what changed in the lockfile, in terms of models.

    For each alias and profile: pools, prices per million tokens, limits and capabilities.

    $ llmring lock diff
    $ llmring lock diff main~3
    $ llmring lock diff ../other/llmring.lock --json

    Args:
        old: The old version: a lockfile or a git revision.
        exit_code: Exit code 1 if there are changes.
        html: Also write the changes to this file, a page that needs no network.
        svg: Also write them to this file, as a picture.
    """
    source = read_lockfile(lockfile)
    changes = diff_lockfiles(_old(old, source.path), source.lockfile)
    as_json = changes_json(changes)
    rows = [_cells(change) for change in as_json]
    new = str(shown(source.path))
    if html is not None:
        from llmring_cli.page.reports import write_report  # noqa: PLC0415 - needs an extra

        write_report(html, "report-diff.html", title=f"Changes of {new}", rows=rows, old=old, new=new)
    if svg is not None:
        from llmring_cli.page.reports import write_table_picture  # noqa: PLC0415 - as above

        write_table_picture(svg, f"Changes of {new} since {old}", _COLUMNS, rows)
    if json:
        print_json({"old": old, "new": str(source.path), "changes": as_json})
    else:
        print_changes(changes)
        if not changes:
            report(f"{shown(source.path)} has no changes since {old}")
    return FAILED if changes and exit_code else 0


_COLUMNS = ("what", "profile", "alias", "model", "before", "after")


def _cells(change: dict[str, Any]) -> tuple[str, ...]:
    cells = (change[name] for name in _COLUMNS)
    return tuple(_text(cell) for cell in cells)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _old(old: str, path: Path) -> Lockfile:
    if Path(old).is_file():
        return read_lockfile(Path(old)).lockfile
    if old.startswith("-"):
        raise CommandError(f"{old!r} is neither a lockfile nor a revision")
    done = _show(old, path)
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise CommandError(f"{old} is neither a lockfile nor a revision with {shown(path)} in it: {reason}")
    return parse(done.stdout.decode(errors="replace"), Path(f"{old}:{path.name}"))


def _show(revision: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    """Read the file in a revision with a plumbing command of git, which uses no pager, filter or external diff."""
    git = _find_git()
    if git is None:
        raise CommandError(f"there is no file {revision}, and git is not installed to look for a revision")
    try:
        return subprocess.run(  # noqa: S603 - no shell, and what the user names cannot be an option
            [
                git,
                *_NO_COMMANDS_OF_THE_REPOSITORY,
                "--no-pager",
                "cat-file",
                "blob",
                f"{revision}:./{path.name}",
            ],
            cwd=path.parent,
            env={
                **{name: os.environ[name] for name in _CLEAN_ENVIRONMENT if name in os.environ},
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_TERMINAL_PROMPT": "0",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_GIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"git did not answer within {_GIT_SECONDS:g} s") from error


def _find_git() -> str | None:
    """Return the user's git, never one that a relative entry of PATH, or Windows, finds in the working directory."""
    absolute = [
        place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(place).is_absolute()
    ]
    found = shutil.which("git", path=os.pathsep.join(absolute))
    return found if found is not None and Path(found).is_absolute() else None
