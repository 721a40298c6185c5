"""``llmring lock check``."""

from llmring_lockfile import check as check_lockfile
from llmring_lockfile import installed_lockfile

from llmring_cli._failure import FAILED, UNREADABLE
from llmring_cli._findings import findings_json, located, print_findings, summarize
from llmring_cli._lockfiles import read_lockfile
from llmring_cli._output import print_json, report
from llmring_cli._parameters import Json, LockfilePath
from llmring_cli._providers import known_providers


def check(*, lockfile: LockfilePath = None, json: Json = False) -> int:
    """Check the lockfile and what it extends, offline.

    Exit code 1 when something is missing or cannot work, 2 when there is no lockfile or it cannot be read.

    $ llmring lock check
    $ llmring lock check --json | jq .findings
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    result = check_lockfile(source.lockfile, packages=installed_lockfile, providers=known_providers())
    findings = located(result.findings, source)
    if json:
        print_json(
            {
                "lockfile": str(source.path),
                "ok": result.ok,
                "findings": findings_json(findings),
                "packages": result.packages,
                "aliases": result.aliases,
            }
        )
    else:
        print_findings(findings, source)
        for package, aliases in result.packages.items():
            report(f"{package}: {', '.join(aliases or ()) or 'no aliases'}")
        for profile, aliases in result.aliases.items():
            if aliases:
                report(f"profile {profile}: {', '.join(aliases)}")
        summarize(findings, nothing="nothing is wrong")
    return 0 if result.ok else FAILED
