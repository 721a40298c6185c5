"""Address and key of the usage server, requests to it, and its health."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from cyclopts import Parameter
from llmring import server_access
from llmring_types.exceptions import (
    LLMRingError,
    ServerAuthenticationError,
    ServerConnectionError,
    ServerTimeoutError,
)

from llmring_cli._failure import FAILED, UNREACHABLE, CommandError
from llmring_cli._output import report_logs
from llmring_cli.server.env_file import DEFAULT, KEY, URL, read_env_file

if TYPE_CHECKING:
    from llmring.server import ServerClient

ENVIRONMENT = "the environment"
ServerUrl = Annotated[
    str | None,
    Parameter(name="--server", help=f"The server's address. Default: {URL}, else the env file."),
]
ApiKey = Annotated[
    str | None, Parameter(name="--api-key", help=f"The key. Default: {KEY}, else the env file.")
]
EnvFile = Annotated[Path, Parameter(name="--env-file", help="The file with address and key.")]


class Found(NamedTuple):
    """An address or a key, and where it was found."""

    value: str
    source: str


class Access(NamedTuple):
    """Address and key of the server, as far as they are known."""

    url: Found | None
    key: Found | None


def find_access(url: str | None = None, key: str | None = None, env_file: Path = DEFAULT) -> Access:
    """Return address and key: those of the command line, else of the environment, else of the env file.

    The environment's key is never sent to an address that only a file of this folder names: the file may be
    someone else's.

    Raises:
        CommandError: the file cannot be read.
    """
    environment, kept = server_access(), read_env_file(env_file)
    file = str(env_file)
    address = _first((url, "--server"), (environment.url, ENVIRONMENT), (kept.get(URL), file))
    known = None if address is not None and address.source == file else environment.api_key
    return Access(address, _first((key, "--api-key"), (known, ENVIRONMENT), (kept.get(KEY), file)))


def require_access(url: str | None, key: str | None, env_file: Path) -> tuple[str, str]:
    """Return address and key.

    Raises:
        CommandError: one of them is not known.
    """
    found = find_access(url, key, env_file)
    if found.url is None:
        raise CommandError(
            f"no usage server is set up: set {URL}, name one with --server, or run: llmring server init"
        )
    if found.key is None:
        raise CommandError(
            f"there is no key for the usage server {found.url.value}: set {KEY}, or run: llmring server key create --update-env"
        )
    return found.url.value, found.key.value


@asynccontextmanager
async def connected(url: str, key: str = "") -> "AsyncIterator[ServerClient]":
    """Give a client of the server.

    Raises:
        CommandError: the server cannot be reached, exit code 3.
        LLMRingError: the address or the key is not valid, or the server refuses.
    """
    from llmring.server import ServerClient  # noqa: PLC0415 - as the transports, only for requests
    from llmring_providers.transport import AutoTransport  # noqa: PLC0415

    report_logs()
    client = ServerClient(url, key, transport=AutoTransport(trust_env=True))
    try:
        yield client
    except (ServerConnectionError, ServerTimeoutError) as error:
        raise CommandError(str(error), exit_code=UNREACHABLE) from error
    finally:
        await client.aclose()


def as_query(moment: date | datetime | None) -> str | None:
    """Return a time as the server reads it: a day, or a time with its zone. What it cannot read it answers with 500."""
    return None if moment is None else moment.isoformat()


def _first(*places: tuple[str | None, str]) -> Found | None:
    return next((Found(value, source) for value, source in places if value), None)


class Health(msgspec.Struct, kw_only=True):
    """The health of a server.

    Attributes:
        answer: its own report; ``None`` if it gave none.
        key_accepted: ``None`` if that was not tried.
        error: what is wrong.
        exit_code: for a command with no other result.
    """

    answer: dict[str, Any] | None = None
    key_accepted: bool | None = None
    error: str | None = None
    exit_code: int = 0


async def ask_health(access: Access) -> Health:
    """Request the server's health, and something that needs the key."""
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
            health.error = f"the usage server {client.host} is not healthy"
        elif not key:
            health.error = (
                f"there is no key for it: set {KEY}, or run: llmring server key create --update-env"
            )
        else:
            await client.stats()  # the cheapest question that needs a key
            health.key_accepted = True
