"""``llmring server key``: the keys kept on this machine. A server has no list of them."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter
from llmring import server_access

from llmring_cli._failure import FAILED, CommandError
from llmring_cli._output import print_json, print_line, print_table, report
from llmring_cli._parameters import Flag, Json
from llmring_cli.server.access import ENVIRONMENT, EnvFile
from llmring_cli.server.env_file import DEFAULT, KEY, URL, new_key, read_env_file, shown, write_env_file

Show = Annotated[Flag, Parameter(name="--show", help="Print the full key.")]


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
