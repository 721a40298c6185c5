"""``llmring doctor``: the checkup on one screen."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmring import provider_access
from llmring_types.hosts import host_of

from llmring_cli._checkup import (
    AliasState,
    Checkup,
    LockfileState,
    ProviderState,
    RegistryState,
    UsageLogState,
    UsageServerState,
    check_up,
)
from llmring_cli._lockfiles import shown
from llmring_cli._models import SIMULATED
from llmring_cli._output import FAILED, Mark, count_text, mark, print_json, print_table, report
from llmring_cli._parameters import Flag, Json, LockfilePath, ProfileName
from llmring_cli.server.access import URL, find_access

if TYPE_CHECKING:
    from llmring import ModelFacts
    from llmring_types.exceptions import LLMRingError

    from llmring_cli.server.access import Health

_OLD_DAYS = 30
_FOUND_BY = {
    "argument": "named by --lockfile",
    "environment": "named by LLMRING_LOCKFILE_PATH",
    "working directory": "in the working directory",
    "parent folder": "in a folder above",
    "project package": "in the project's package",
}
_CHOSEN_BY = {
    "argument": "named by --profile",
    "environment": "named by LLMRING_PROFILE",
    "default_profile": "the lockfile's default",
}


def doctor(
    *,
    online: Flag = False,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> int:
    """Show what is configured here and what is missing.

    One screen: versions, the lockfile and why it was chosen, the profile, the providers, the age of the
    registry's facts, the usage log and server, and the resolution of each alias. Keys are never shown. Exit
    code 1 if something will not work.

    $ llmring doctor
    $ llmring doctor --online

    Args:
        online: Send a request to every usable provider and the usage server, to check address and key.
    """
    checkup = check_up(lockfile, profile)
    if online:
        _ask(checkup)
    if json:
        print_json(checkup)
    else:
        show(checkup)
    return FAILED if checkup.problems else 0


def _ask(checkup: Checkup) -> None:
    import asyncio  # noqa: PLC0415 - as the transports, only for requests

    from llmring_cli._waiting import waiting  # noqa: PLC0415 - as above

    rows = [row for row in checkup.providers if row.configured and not row.error and row.name != SIMULATED]
    with waiting("asking the providers"):
        outcomes, health = asyncio.run(_answers([row.name for row in rows], checkup.usage_server))
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, list):
            row.models = len(outcome)
            continue
        row.error = str(outcome)
        # A local server needs no key, so it is always configured; it is no problem that it does not run.
        if not host_of(row.name).local or provider_access(row.name).base_url is not None:
            checkup.problems.append(row.error)
    if health is not None:
        checkup.usage_server.status = None if health.answer is None else str(health.answer.get("status"))
        checkup.usage_server.error = health.error
        if health.error is not None:
            checkup.problems.append(health.error)


async def _answers(
    providers: Sequence[str], server: UsageServerState
) -> "tuple[list[list[ModelFacts] | LLMRingError], Health | None]":
    """Send all requests concurrently, none to a server that is not set up correctly."""
    import asyncio  # noqa: PLC0415 - as above

    from llmring_cli._live import ask_providers  # noqa: PLC0415
    from llmring_cli.server.access import ask_health  # noqa: PLC0415

    if server.url is None or server.error is not None:
        return await ask_providers(providers), None
    return await asyncio.gather(ask_providers(providers), ask_health(find_access()))


_Row = tuple[str, str, str]


def show(checkup: Checkup) -> None:
    """Print one line for each thing looked at; what will not work goes to standard error."""
    rows = list(_rows(checkup))
    if sys.stdout.isatty():
        rows = [
            ("" if place and label == rows[place - 1][0] else label, name, text)
            for place, (label, name, text) in enumerate(rows)
        ]
    print_table(("", "", ""), rows)
    for problem in checkup.problems:
        report(f"problem: {problem}")
    for hint in _hints(checkup):
        report(f"hint: {hint}")
    if not checkup.problems:
        report("no problems")


def _rows(checkup: Checkup) -> Iterator[_Row]:
    own, *others = (f"{name} {number}" for name, number in checkup.versions.items())
    yield "version", own, ", ".join(others)
    yield _lockfile(checkup.lockfile)
    if checkup.lockfile.profile is not None:
        yield "profile", checkup.lockfile.profile, _CHOSEN_BY.get(checkup.lockfile.profile_origin or "", "")
    for provider in checkup.providers:
        yield "provider", mark(_provider_mark(provider), provider.name), _provider(provider)
    for source in checkup.registry:
        yield "registry", source.provider, _registry(source)
    yield "usage", mark(_usage_mark(checkup.usage_log), "log"), _usage_log(checkup.usage_log)
    yield "usage", mark(_usage_mark(checkup.usage_server), "server"), _usage_server(checkup.usage_server)
    for alias in checkup.aliases:
        yield "alias", mark(Mark.BAD if alias.error else Mark.GOOD, alias.alias), _alias(alias)


def _hints(checkup: Checkup) -> Iterator[str]:
    if checkup.lockfile.origin == "bundled":
        yield "there is no lockfile here; to create one: llmring lock init"
    server = checkup.usage_server
    if server.url is not None and not server.reported_to:
        yield f"applications report to no usage server until {URL} is set; only commands read {server.url_from}"
    keyless = _without_key(checkup)
    if keyless is not None:
        yield f"to keep a key, which rings read after the environment: llmring keys set {keyless}"
    usable = {row.name for row in checkup.providers if row.configured}
    # Facts about models that cannot be asked harm nobody, and who has no key may have no network.
    oldest = max((row.age_days or 0 for row in checkup.registry if row.provider in usable), default=0)
    if oldest > _OLD_DAYS:
        yield f"the facts about models are {oldest:.0f} days old; to update them: llmring registry refresh"


def _without_key(checkup: Checkup) -> str | None:
    """Return a provider to which a key is missing: a member of an alias, else any where nothing can be asked yet.

    The problem of an alias that resolves to nothing names the command itself.
    """
    if any(row.error for row in checkup.aliases):
        return None
    lacking = [row.name for row in checkup.providers if provider_access(row.name).key_in]
    pooled = {ref.partition(":")[0] for row in checkup.aliases for ref in row.pool}
    is_ready = bool(checkup.aliases) or any(row.key_from for row in checkup.providers)
    found = [name for name in lacking if name in pooled] or ([] if is_ready else lacking)
    return found[0] if found else None


def _lockfile(state: LockfileState) -> _Row:
    if state.path is None:
        return "lockfile", "none", ""
    if state.origin == "bundled":
        return "lockfile", "none", "the one that ships with llmring is for lock chat only"
    return "lockfile", str(shown(Path(state.path))), _FOUND_BY.get(state.origin or "", "")


def _provider_mark(row: ProviderState) -> Mark:
    if row.error is not None:
        return Mark.BAD
    return Mark.GOOD if row.configured and row.listening is not False else Mark.UNKNOWN


def _provider(row: ProviderState) -> str:
    if not row.configured:
        facts = [f"not configured; {row.missing}"]
    else:
        facts = [f"key from {row.key_from}" if row.key_from else "needs no key"]
    if row.base_url is not None:
        facts.append(row.base_url)
    if row.listening is False:
        facts.append("nothing listens there")
    if row.models is not None:
        facts.append(f"answers with {count_text(row.models, 'model')}")
    if row.error is not None:
        facts.append("cannot be used now")
    return ", ".join(facts)


def _registry(row: RegistryState) -> str:
    age = "of unknown age" if row.age_days is None else f"{row.age_days:.0f} days old"
    text = f"version {row.version} from {row.origin}, {age}"
    return text if row.problem is None else f"{text}; {row.problem}"


def _usage_mark(state: UsageLogState | UsageServerState) -> Mark:
    if state.error is not None:
        return Mark.BAD
    used = state.path is not None if isinstance(state, UsageLogState) else state.reported_to
    return Mark.GOOD if used else Mark.UNKNOWN


def _usage_log(state: UsageLogState) -> str:
    if state.path is None:
        return "none" if state.error else "none; LLMRING_USAGE_LOG names one"
    facts = [str(shown(Path(state.path)))]
    if state.error is not None:
        facts.append("cannot be used")
    else:
        facts.append("created at the first call" if state.calls is None else count_text(state.calls, "call"))
    return ", ".join([*facts, "named by LLMRING_USAGE_LOG"])


def _usage_server(state: UsageServerState) -> str:
    if state.url is None:
        return f"none; {URL} names one"
    facts = [f"{state.url} from {state.url_from}"]
    facts.append("no key" if state.key_from is None else f"key from {state.key_from}")
    if state.status is not None:
        facts.append(f"reports that it is {state.status}")
    if state.error is not None:
        facts.append("cannot be used now")
    return ", ".join(facts)


def _alias(row: AliasState) -> str:
    if row.resolves_to is None:
        return f"none of {', '.join(row.pool)} can be used"
    before = row.pool[: row.pool.index(row.resolves_to)] if row.resolves_to in row.pool else []
    return f"{row.resolves_to}, since {', '.join(before)} cannot be used" if before else row.resolves_to
