"""``llmring lock check`` and ``llmring lock explain``: offline."""

from typing import Any

from llmring_lockfile import Explanation, active_profile, installed_lockfile
from llmring_lockfile import check as check_lockfile
from llmring_lockfile import explain as explain_name

from llmring_cli._environment import report_refused_hosts
from llmring_cli._lockfiles import findings_json, located, print_findings, read_lockfile, summarize
from llmring_cli._models import known_providers
from llmring_cli._output import FAILED, UNREADABLE, CommandError, print_json, print_line, report
from llmring_cli._parameters import Json, LockfilePath, ModelName, ProfileName


def check(*, lockfile: LockfilePath = None, json: Json = False) -> int:
    """Check the lockfile and what it extends, offline.

    Exit code 1 if something is missing or cannot work, 2 if there is no readable lockfile.

    $ llmring lock check
    $ llmring lock check --json | jq .findings
    """
    source = read_lockfile(lockfile, unreadable=UNREADABLE)
    result = check_lockfile(source.lockfile, packages=installed_lockfile, providers=known_providers())
    findings = located(result.findings, source)
    report_refused_hosts()
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
        summarize(findings, nothing="no problems")
    return 0 if result.ok else FAILED


def explain(
    name: ModelName, /, *, profile: ProfileName = None, lockfile: LockfilePath = None, json: Json = False
) -> int:
    """Explain how a name resolves to models.

    Each step names the file that it comes from. Exit code 1 if the name does not resolve.

    $ llmring lock explain summarizer
    $ llmring lock explain my-tools:summarizer --profile prod

    Args:
        name: An alias, package:alias or provider:model.
    """
    found = read_lockfile(lockfile).lockfile
    explanation = explain_name(
        found,
        name,
        active_profile(found, profile),
        providers=known_providers(),
        packages=installed_lockfile,
    )
    if json:
        print_json(_plain(explanation))
        return 0 if explanation.error is None else FAILED
    for step in explanation.steps:
        print_line(step)
    if explanation.error is not None:
        raise CommandError(str(explanation.error))
    return 0


def _plain(explanation: Explanation) -> dict[str, Any]:
    found = explanation.resolution
    return {
        "name": explanation.name,
        "models": [] if found is None else [str(model) for model in found.models],
        "source": None if found is None else found.source,
        "profile": None if found is None else found.profile,
        "lockfile": None if found is None or found.path is None else str(found.path),
        "steps": [
            {
                "question": step.question,
                "answer": step.answer,
                "path": None if step.path is None else str(step.path),
            }
            for step in explanation.steps
        ],
        "error": None if explanation.error is None else str(explanation.error),
    }
