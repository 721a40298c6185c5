"""``llmring trust``."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring.hosts import own_host
from llmring.trust import TrustStore, open_trust_store, read_content, select
from llmring_lockfile import HostEntry, parse
from llmring_types.hosts import HOSTS

from llmring_cli._environment import NAME, read_dotenv
from llmring_cli._output import FAILED, CommandError, print_json, print_table, report
from llmring_cli._parameters import Flag, Json


def trust(
    file: Path = Path(NAME),
    /,
    *,
    list_: Annotated[Flag, Parameter(name="--list")] = False,
    revoke: Flag = False,
    json: Json = False,
) -> int:
    """Approve the addresses in a .env file or a lockfile.

    Until you approve the file, llmring sends none of your keys to an address in it, and ignores settings that
    write files or name a registry or a usage server. Any change to the file ends the approval; of a lockfile, any
    change to its [hosts], which are all that is approved of it. Exit code 1 if there is nothing to revoke.

    $ llmring trust
    $ llmring trust llmring.lock
    $ llmring trust --revoke
    $ llmring trust --list

    Args:
        file: The file; .env in the working directory by default.
        list_: List the files you have approved.
        revoke: Withdraw the approval of the file.
    """
    store = open_trust_store()
    if list_:
        _list(store, json=json)
        return 0
    if revoke:
        revoked = store.revoke(file)
        if json:
            print_json([{"file": str(file), "approved": False}])
        else:
            report(f"revoked the approval of {file}" if revoked else f"{file} is not approved")
        return 0 if revoked else FAILED
    names = _approve(store, file)
    if json:
        print_json([{"file": str(file), "approved": True, "names": names}])
    else:
        report(f"approved {file}, which sets {', '.join(names) or 'nothing that llmring reads'}")
    return 0


def _approve(store: TrustStore, file: Path) -> list[str]:
    """Approve the file; return what llmring takes from it from now on."""
    if not os.path.lexists(file):
        raise CommandError(f"there is no {file} to approve")
    if file.name != NAME:
        content = read_content(file)
        hosts = _hosts(content)
        store.allow(file, content)
        return hosts
    found = read_dotenv(file)
    if found is None:
        raise CommandError(f"{file} cannot be approved")
    store.allow(file, found.content)
    return list(select(found.values, {}, approved=True).taken)


def _hosts(content: bytes) -> list[str]:
    """Return the hosts that a lockfile names, with their addresses and the variables of their keys.

    Raises:
        ConfigurationError: one is not valid, so no ring could be made with the file once it is approved.
    """
    try:
        hosts = parse(content.decode()).hosts
    except ValueError:  # no lockfile
        return []
    return [_host(name, entry) for name, entry in hosts.items()]


def _host(name: str, entry: HostEntry) -> str:
    row = own_host(name, base_url=entry.base_url, protocol=entry.protocol, key_env=entry.key_env)
    if HOSTS.get(name, row) != row:
        raise CommandError(f"there is a host {name!r} already; choose another name")
    return f"{name} at {entry.base_url}" + (f" with your {entry.key_env}" if entry.key_env else "")


def _list(store: TrustStore, *, json: bool) -> None:
    files = store.files()
    if json:
        print_json([{"file": str(file.path), "approved": file.current} for file in files])
        return
    if not files:
        report("you have approved no files")
    print_table(
        ("file", "state"),
        [
            (str(file.path), "approved" if file.current else "not approved: changed or missing")
            for file in files
        ],
    )
