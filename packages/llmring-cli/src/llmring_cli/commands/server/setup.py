"""``llmring server init`` and ``llmring server status``."""

from typing import Annotated, Any

from cyclopts import Parameter
from llmring import server_access

from llmring_cli._failure import CommandError
from llmring_cli._output import print_json, print_line, print_table, report
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import ApiKey, EnvFile, ServerUrl, ask_health, connected, find_access
from llmring_cli.server.env_file import DEFAULT, KEY, URL, new_key, read_env_file, shown, write_env_file

_LOCAL = "http://localhost:8000"
Unchecked = Annotated[
    Flag, Parameter(name="--skip-health-check", help="Skip the check that the server answers.")
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
    """Set up a usage server: check that it answers, and write its address and a key to an env file.

    A shell can source the file. It gets mode 600, and its other lines stay. The default address is
    http://localhost:8000; without a key, a new one is created. Exit code 1 if the file already has an address
    or a key, 3 if the server cannot be reached; in both cases nothing is written.

    $ llmring server init --server http://localhost:9100
    $ source .env.llmring

    Args:
        force: Replace the address and the key in the file.
        show: Print the full key.
    """
    present = [name for name in (URL, KEY) if name in read_env_file(env_file)]
    if present and not force:
        raise CommandError(f"{env_file} has {' and '.join(present)} already; to replace: --force")
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
            f"the usage server {url} reports the status {health.get('status')} (database: {health.get('database')}); "
            "nothing was written. To continue anyway: --skip-health-check"
        )
    return health


async def status(
    *,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    show: Flag = False,
    json: Json = False,
) -> int:
    """Show the configured usage server and its state, and check the key.

    Exit code 1 if no server is set up, it is not healthy or it refuses the key; 3 if it cannot be reached.

    $ llmring server status
    $ llmring server status --json | jq .health.status

    Args:
        show: Print the full key.
    """
    access = find_access(server, api_key, env_file)
    health = await ask_health(access)
    state: dict[str, Any] = {
        "url": access.url and access.url.value,
        "url_from": access.url and access.url.source,
        "key": access.key and shown(access.key.value, whole=show),
        "key_from": access.key and access.key.source,
        "health": health.answer,
        "key_accepted": health.key_accepted,
        "error": health.error,
    }
    if json:
        print_json(state)
    else:
        _print(state)
    return health.exit_code


def _print(state: dict[str, Any]) -> None:
    health = state["health"] or {}
    accepted = {True: "accepted", False: "refused", None: "not tried"}[state["key_accepted"]]
    rows = [
        ("server", f"{state['url']} (from {state['url_from']})" if state["url"] else "-"),
        ("key", f"{state['key']} (from {state['key_from']}), {accepted}" if state["key"] else "-"),
        ("health", health.get("status") or "?"),
        ("database", health.get("database") or "?"),
    ]
    print_table(("", ""), rows)
    if state["error"]:
        report(f"error: {state['error']}")
