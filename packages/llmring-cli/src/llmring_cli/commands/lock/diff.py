"""``llmring lock diff``."""

import subprocess
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring_lockfile import Lockfile, parse
from llmring_lockfile import diff as diff_lockfiles

from llmring_cli._changes import changes_json, print_changes
from llmring_cli._failure import FAILED, CommandError
from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli._output import print_json, say
from llmring_cli._parameters import Flag, Json, LockfilePath


def diff(
    old: str = "HEAD",
    /,
    *,
    exit_code: Annotated[Flag, Parameter(name="--exit-code")] = False,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> int:
    """Tell what changed in the lockfile, in terms of models.

    That is: pools, prices per million tokens, limits and capabilities, for each alias and profile.

    $ llmring lock diff
    $ llmring lock diff main~3
    $ llmring lock diff ../other/llmring.lock --json

    Args:
        old: What to compare with: a lockfile, or a revision that git knows.
        exit_code: Exit code 1 when there are changes.
    """
    source = read_lockfile(lockfile)
    changes = diff_lockfiles(_old(old, source.path), source.lockfile)
    if json:
        print_json({"old": old, "new": str(source.path), "changes": changes_json(changes)})
    else:
        print_changes(changes)
        if not changes:
            say(f"{shown(source.path)} says the same as {old}")
    return FAILED if changes and exit_code else 0


def _old(old: str, path: Path) -> Lockfile:
    if Path(old).is_file():
        return read_lockfile(Path(old)).lockfile
    if old.startswith("-"):
        raise CommandError(f"{old!r} is neither a lockfile nor a revision")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and what the user names cannot be an option
            ["git", "-C", path.parent, "show", f"{old}:./{path.name}"],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(
            f"there is no file {old}, and git, which may know it as a revision, is not installed"
        ) from error
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise CommandError(f"{old} is neither a lockfile nor a revision with {shown(path)} in it: {told}")
    return parse(done.stdout.decode(errors="replace"), Path(f"{old}:{path.name}"))
