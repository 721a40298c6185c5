"""``llmring server init``."""

from typing import Annotated, Any

from cyclopts import Parameter
from llmring import server_access

from llmring_cli._failure import CommandError
from llmring_cli._output import print_json, print_line, report
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import ApiKey, EnvFile, ServerUrl, connected
from llmring_cli.server.env_file import DEFAULT, KEY, URL, read_env_file, write_env_file
from llmring_cli.server.keys import new_key, shown

_LOCAL = "http://localhost:8000"
Unchecked = Annotated[
    Flag, Parameter(name="--skip-health-check", help="Do not ask whether the server is there.")
]


async def init(
    *,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    force: Flag = False,
    skip_health_check: Unchecked = False,
    show: Flag = False,
    json: Json = False,
) -> None:
    """Set up a usage server: check that it is there, and write its address and a key into an env file.

    The file can be sourced, and gets mode 600; what else stands in it stays. Without an address, the server is
    looked for at http://localhost:8000; without a key, a new one is made. Exit code 1 when the file has an
    address or a key already, 3 when the server cannot be reached; nothing is written then.

    $ llmring server init --server http://localhost:9100
    $ source .env.llmring

    Args:
        force: Replace an address and a key that the file has.
        show: Print the whole key.
    """
    present = [name for name in (URL, KEY) if name in read_env_file(env_file)]
    if present and not force:
        raise CommandError(f"{env_file} has {' and '.join(present)} already; replace with --force")
    environment = server_access()
    url = server or environment.url or _LOCAL
    key = api_key or environment.api_key or new_key()
    health = None if skip_health_check else await _health(url, key)
    write_env_file(env_file, {URL: url, KEY: key})
    if json:
        print_json({"url": url, "key": shown(key, whole=show), "env_file": str(env_file), "health": health})
        return
    if show:
        print_line(key)
    report(f"wrote {URL} and {KEY} ({shown(key, whole=False)}) to {env_file}")
    report(f"to use them: source {env_file}")


async def _health(url: str, key: str) -> dict[str, Any]:
    async with connected(url, key) as client:
        health = await client.health()
    if health.get("status") != "healthy":
        raise CommandError(
            f"the usage server {url} says that it is {health.get('status')} (database: {health.get('database')}); "
            "nothing was written; go on all the same with --skip-health-check"
        )
    return health
