"""``llmring server status``."""

from typing import Any

from llmring_cli._output import print_json, print_table, report
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import ApiKey, EnvFile, ServerUrl, find_access
from llmring_cli.server.env_file import DEFAULT
from llmring_cli.server.health import ask_health
from llmring_cli.server.keys import shown


async def status(
    *,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    show: Flag = False,
    json: Json = False,
) -> int:
    """Tell which usage server is set up, whether it is well, and whether it takes the key.

    Exit code 1 when none is set up, it is not well or it does not take the key; 3 when it cannot be reached.

    $ llmring server status
    $ llmring server status --json | jq .health.status

    Args:
        show: Print the whole key.
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
