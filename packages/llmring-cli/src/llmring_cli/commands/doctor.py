"""``llmring doctor``."""

from llmring import provider_access

from llmring_cli._failure import FAILED
from llmring_cli._output import print_json
from llmring_cli._parameters import Flag, Json, LockfilePath, ProfileName
from llmring_cli._providers import SIMULATED
from llmring_cli.doctor.checkup import Checkup, check_up
from llmring_cli.doctor.show import show


def doctor(
    *,
    online: Flag = False,
    profile: ProfileName = None,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> int:
    """Tell what is set up here, and what is not.

    On one screen: versions, the lockfile and why it is this one, the profile, the providers, the age of the
    registry's facts, and what each alias resolves to right now. A key is never shown. Exit code 1 when
    something will not work.

    $ llmring doctor
    $ llmring doctor --online

    Args:
        online: Ask every provider that can be used whether it answers and takes the key.
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
    import asyncio  # noqa: PLC0415 - as the transports, only for those who ask over the network

    from llmring_cli._live import ask_providers  # noqa: PLC0415

    rows = [row for row in checkup.providers if row.configured and not row.error and row.name != SIMULATED]
    outcomes = asyncio.run(ask_providers([row.name for row in rows]))
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, list):
            row.models = len(outcome)
            continue
        row.error = str(outcome)
        # Ollama needs no key, so it is always configured; that it does not run is nobody's mistake.
        if row.name != "ollama" or provider_access("ollama").base_url is not None:
            checkup.problems.append(row.error)
