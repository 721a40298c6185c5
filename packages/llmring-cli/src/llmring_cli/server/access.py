"""Address and key of the usage server: where they come from, the file that keeps them, requests with them.

The file has ``export NAME=value`` lines, to be sourced or read by dotenv. It holds a key, so it is readable for its
owner alone. Its other lines stay.
"""

import io
import re
import secrets
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from cyclopts import Parameter
from llmring import server_access
from llmring_types.exceptions import (
    ConfigurationError,
    LLMRingError,
    ServerAuthenticationError,
    ServerConnectionError,
    ServerTimeoutError,
)

from llmring_cli._files import write_output
from llmring_cli._output import FAILED, UNREACHABLE, CommandError, report_logs

if TYPE_CHECKING:
    from llmring.server import ServerClient

DEFAULT = Path(".env.llmring")
URL, KEY = "LLMRING_SERVER_URL", "LLMRING_API_KEY"
_HEADING = "# The usage server of llmring. It holds a key: keep this file out of version control.\n"
_UNQUOTABLE = re.compile(r"['\\\s]")
"""Characters that a shell and dotenv read differently, whatever quotes surround them."""
_LEAST_SHOWN = 9
_ENDS = 4
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


def read_env_file(path: Path) -> dict[str, str]:
    """Return what the file sets; nothing where there is none.

    Raises:
        CommandError: it cannot be read.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most commands do without

    bindings = parse_stream(io.StringIO(_text(path)))
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Set these variables in the file. It is created if missing and replaced atomically, with mode 600.

    Raises:
        ConfigurationError: a value cannot be written so that a shell and dotenv read the same.
        CommandError: the file cannot be read or written.
    """
    text = with_values(_text(path), values)
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {path}: there is no folder {path.parent}")
    write_output(path, text.encode(), private=True)


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return the text of an env file with these variables set, each once: in its place, else at the end."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - as above

    lines = {name: _line(name, value) for name, value in values.items()}
    written: set[str] = set()
    parts = []
    for binding in parse_stream(io.StringIO(text)):
        original, name = binding.original.string, binding.key
        if name not in lines:
            parts.append(original)
        elif name not in written:
            written.add(name)
            parts.append(original[: len(original) - len(original.lstrip())] + lines[name])
    missing = [line for name, line in lines.items() if name not in written]
    kept = "".join(parts) or _HEADING
    if missing and not kept.endswith("\n"):
        kept += "\n"
    return kept + "".join(missing)


def _line(name: str, value: str) -> str:
    if _UNQUOTABLE.search(value):
        raise ConfigurationError(
            f"{name} cannot be written to an env file: it has a quote, a backslash or a space"
        )
    return f"export {name}={shlex.quote(value)}\n"


def _text(path: Path) -> str:
    from llmring.trust import read_content  # noqa: PLC0415 - as above

    try:
        return read_content(path).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise CommandError(f"cannot read {path}: {error}") from error


def new_key() -> str:
    """Return a random key: ``llmr_pk_`` and 32 hexadecimal digits."""
    return f"llmr_pk_{secrets.token_hex(16)}"


def masked(key: str) -> str:
    """Return the first and last four characters of a key, enough to recognize it; of a short one nothing."""
    return "*" * len(key) if len(key) < _LEAST_SHOWN else f"{key[:_ENDS]}…{key[-_ENDS:]}"


def shown(key: str, *, whole: bool) -> str:
    """Return the key as it is printed."""
    return key if whole else masked(key)
