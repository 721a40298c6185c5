"""``llmring server status``."""

from typing import Any

from llmring_types.exceptions import LLMRingError, ServerAuthenticationError

from llmring_cli._failure import FAILED, CommandError
from llmring_cli._output import print_json, print_table, say
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import Access, ApiKey, EnvFile, ServerUrl, connected, find_access
from llmring_cli.server.env_file import DEFAULT, KEY, URL
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
    report: dict[str, Any] = {
        "url": access.url and access.url.value,
        "url_from": access.url and access.url.source,
        "key": access.key and shown(access.key.value, whole=show),
        "key_from": access.key and access.key.source,
        "health": None,
        "key_accepted": None,
        "error": None,
    }
    code = await _ask(access, report)
    if json:
        print_json(report)
    else:
        _print(report)
    return code


async def _ask(access: Access, report: dict[str, Any]) -> int:
    """Ask the server, add to the report what it says, and return the exit code."""
    if access.url is None:
        report["error"] = f"no usage server is set up: set {URL}, or run: llmring server init"
        return FAILED
    try:
        async with connected(access.url.value, access.key.value if access.key else "") as client:
            report["health"] = await client.health()
            if report["health"].get("status") != "healthy":
                report["error"] = f"the usage server {client.host} is not well"
            elif access.key is None:
                report["error"] = (
                    f"there is no key for it: set {KEY}, or run: llmring server key create --update-env"
                )
            else:
                await client.stats()  # the cheapest question that needs a key
                report["key_accepted"] = True
    except LLMRingError as error:
        report["error"] = str(error)
        if isinstance(error, ServerAuthenticationError):
            report["key_accepted"] = False
        return error.exit_code if isinstance(error, CommandError) else FAILED
    return FAILED if report["error"] else 0


def _print(report: dict[str, Any]) -> None:
    health = report["health"] or {}
    accepted = {True: "accepted", False: "refused", None: "not tried"}[report["key_accepted"]]
    rows = [
        ("server", f"{report['url']} (from {report['url_from']})" if report["url"] else "-"),
        ("key", f"{report['key']} (from {report['key_from']}), {accepted}" if report["key"] else "-"),
        ("health", health.get("status") or "?"),
        ("database", health.get("database") or "?"),
    ]
    print_table(("", ""), rows)
    if report["error"]:
        say(f"error: {report['error']}")
