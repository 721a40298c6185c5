"""Whether a usage server is well, and takes the key."""

from typing import Any

import msgspec
from llmring_types.exceptions import LLMRingError, ServerAuthenticationError

from llmring_cli._failure import FAILED, CommandError
from llmring_cli.server.access import Access, connected
from llmring_cli.server.env_file import KEY, URL


class Health(msgspec.Struct, kw_only=True):
    """How a server is.

    Attributes:
        answer: what it says of itself; ``None`` where it did not.
        key_accepted: ``None`` where that was not asked.
        error: what is wrong.
        exit_code: how a command ends that has nothing else to tell.
    """

    answer: dict[str, Any] | None = None
    key_accepted: bool | None = None
    error: str | None = None
    exit_code: int = 0


async def ask_health(access: Access) -> Health:
    """Ask the server how it is, and something that needs the key."""
    health = Health()
    if access.url is None:
        health.error = f"no usage server is set up: set {URL}, or run: llmring server init"
    else:
        try:
            await _ask(health, access.url.value, access.key.value if access.key else "")
        except LLMRingError as error:
            health.error = str(error)
            if isinstance(error, ServerAuthenticationError):
                health.key_accepted = False
            if isinstance(error, CommandError):
                health.exit_code = error.exit_code
    if health.error is not None and not health.exit_code:
        health.exit_code = FAILED
    return health


async def _ask(health: Health, url: str, key: str) -> None:
    async with connected(url, key) as client:
        health.answer = await client.health()
        if health.answer.get("status") != "healthy":
            health.error = f"the usage server {client.host} is not well"
        elif not key:
            health.error = (
                f"there is no key for it: set {KEY}, or run: llmring server key create --update-env"
            )
        else:
            await client.stats()  # the cheapest question that needs a key
            health.key_accepted = True
