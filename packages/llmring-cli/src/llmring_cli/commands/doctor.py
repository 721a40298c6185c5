"""``llmring doctor``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmring import provider_access
from llmring_types.hosts import host_of

from llmring_cli._failure import FAILED
from llmring_cli._models import SIMULATED
from llmring_cli._output import print_json
from llmring_cli._parameters import Flag, Json, LockfilePath, ProfileName
from llmring_cli.doctor.checkup import Checkup, UsageServerState, check_up
from llmring_cli.doctor.show import show
from llmring_cli.server.access import find_access

if TYPE_CHECKING:
    from llmring import ModelFacts
    from llmring_types.exceptions import LLMRingError

    from llmring_cli.server.access import Health


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

    rows = [row for row in checkup.providers if row.configured and not row.error and row.name != SIMULATED]
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
