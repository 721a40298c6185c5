"""``llmring server init``, ``llmring server status`` and ``llmring server key``.

Keys are those kept on this machine: a server has no list of them.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter
from llmring import server_access

from llmring_cli._output import FAILED, CommandError, print_json, print_line, print_table, report
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import (
    DEFAULT,
    ENVIRONMENT,
    KEY,
    URL,
    ApiKey,
    EnvFile,
    ServerUrl,
    ask_health,
    connected,
    find_access,
    new_key,
    read_env_file,
    shown,
    write_env_file,
)

_LOCAL = "http://localhost:8000"
Show = Annotated[Flag, Parameter(name="--show", help="Print the full key.")]
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


def create(
    *,
    update_env: Flag = False,
    env_file: EnvFile = DEFAULT,
    server: Annotated[
        str | None, Parameter(help="Write this address of the server to the env file, too.")
    ] = None,
    show: Show = False,
    json: Json = False,
) -> None:
    """Create a new key.

    The usage server creates an account for a key at its first use; no request is sent. Exit code 1 if the env
    file already has a key.

    $ llmring server key create --update-env
    $ llmring server key create --show

    Args:
        update_env: Write the key to the env file.
    """
    if not (update_env or show):
        raise CommandError(
            "choose what to do with the new key: --update-env writes it to the env file, --show prints it"
        )
    if update_env and KEY in read_env_file(env_file):
        raise CommandError(f"{env_file} has a key already. To replace it: llmring server key rotate")
    if server is not None and not update_env:
        raise CommandError("--server goes into the env file: add --update-env")
    if server is not None and urlsplit(server).scheme not in {"http", "https"}:
        raise CommandError(f"{server} is no http or https address")
    key = new_key()
    if update_env:
        write_env_file(env_file, {KEY: key} if server is None else {URL: server, KEY: key})
    if json:
        print_json({"key": shown(key, whole=show), "env_file": str(env_file) if update_env else None})
        return
    if show:
        print_line(key)
    if update_env:
        report(f"wrote {KEY} ({shown(key, whole=False)}) to {env_file}; to use it: source {env_file}")


def rotate(*, env_file: EnvFile = DEFAULT, show: Show = False, json: Json = False) -> None:
    """Replace the key in the env file with a new one.

    The server does not connect the two keys: data stored under the old key stays there, and the old key stays
    valid. Exit code 1 if the file has no key.

    $ llmring server key rotate
    """
    old = read_env_file(env_file).get(KEY)
    if old is None:
        raise CommandError(f"{env_file} has no key. To create one: llmring server key create --update-env")
    key = new_key()
    write_env_file(env_file, {KEY: key})
    if json:
        print_json(
            {"old_key": shown(old, whole=show), "key": shown(key, whole=show), "env_file": str(env_file)}
        )
        return
    if show:
        print_line(key)
    report(f"replaced {shown(old, whole=False)} with {shown(key, whole=False)} in {env_file}")
    report(f"to use it: source {env_file}; stored data stays with the old key, which remains valid")


def list_keys(*, env_file: EnvFile = DEFAULT, show: Show = False, json: Json = False) -> int:
    """List the keys on this machine: the environment's, which takes precedence, and the env file's.

    Exit code 1 if there is none.

    $ llmring server key list
    """
    places = ((server_access().api_key, ENVIRONMENT), (read_env_file(env_file).get(KEY), str(env_file)))
    keys = [(shown(key, whole=show), source) for key, source in places if key]
    if json:
        rows: list[dict[str, Any]] = [{"key": key, "from": source} for key, source in keys]
        print_json(rows)
    elif keys:
        print_table(("key", "from"), keys)
    else:
        report("there is no key. To create one: llmring server key create --update-env")
    return 0 if keys else FAILED
