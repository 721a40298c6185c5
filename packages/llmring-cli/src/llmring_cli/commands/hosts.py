"""``llmring hosts``."""

from typing import Literal

import msgspec
from llmring import provider_access
from llmring.hosts import add_host, own_host, remove_host
from llmring_lockfile import HostEntry
from llmring_types.hosts import HOSTS, Host

from llmring_cli._environment import REFUSED_HOSTS, report_refused_hosts
from llmring_cli._lockfiles import admit_found_hosts
from llmring_cli._output import FAILED, WRONG_USAGE, CommandError, print_json, print_table, report
from llmring_cli._parameters import Flag, Json


class HostState(msgspec.Struct, kw_only=True):
    """One host, as it is known and as it is set up here.

    Attributes:
        name: the part of a model reference before the colon.
        title: the name for people.
        protocol: the protocol that it speaks; ``None`` where a package brings one.
        address: its base URL, ``{NAME}`` standing for an environment variable; ``None`` where it needs none.
        key_in: the environment variables that may hold its key.
        key: ``set``, ``not set``, ``not needed`` where there is none and none is wanted, or ``not approved`` of a host
            that a lockfile names without an approval.
        proved: an exchange with the real host, or the vendor's example of one, is among the tests of llmring.
        proof: where that exchange is published, or the tests that run the host.
        proof_kind: ``recorded``, ``documented`` or ``run``.
        source: the page on which all else rests.
        deviations: the fields of its quirks.
    """

    name: str
    title: str
    protocol: str | None
    address: str | None
    key_in: list[str]
    key: str
    proved: bool
    proof: str | None
    proof_kind: str | None
    source: str | None
    deviations: list[str]


def hosts(
    action: Literal["add", "rm"] | None = None,
    name: str | None = None,
    /,
    *,
    base_url: str | None = None,
    protocol: Literal["openai", "responses", "anthropic", "gemini", "ollama"] = "openai",
    key_env: str | None = None,
    force: Flag = False,
    json: Json = False,
) -> int:
    """List every host that llmring knows, and whether its key is set here.

    With add, add a host of your own for models named NAME:MODEL; with rm, remove one, with exit code 1 if there is
    none of this name. They are kept in hosts.toml in the user configuration, without keys.

    No request is sent. Keys are never shown. A host is proved by an answer that the tests of llmring read: recorded,
    documented by its vendor, or run by them. With --json, also where that answer is, and where each host deviates from
    its protocol.

    $ llmring hosts
    $ llmring hosts add lab --base-url http://localhost:8000/v1
    $ llmring hosts add acme --base-url https://llm.acme.example/v1 --key-env ACME_API_KEY
    $ llmring hosts rm lab
    $ llmring hosts --json | jq -r '.[] | select(.proved | not) | .name'

    Args:
        action: add or rm; the list without it.
        name: The first half of references to the models of the host.
        base_url: Where the paths of the protocol begin, as https://llm.acme.example/v1.
        protocol: The protocol that the host speaks.
        key_env: The environment variable that holds the key; none for a host without keys.
        force: Replace a host of your own that has this name.
    """
    if action is not None:
        if name is None or (action == "add" and base_url is None):
            missing = "a name" if name is None else "--base-url"
            raise CommandError(f"hosts {action} needs {missing}", exit_code=WRONG_USAGE)
        if action == "rm":
            return _remove(name, json=json)
        row = own_host(name, base_url=base_url or "", protocol=protocol, key_env=key_env)
        _add(row, replace=force, json=json)
        return 0
    _list(json=json)
    return 0


def _add(host: Host, *, replace: bool, json: bool) -> None:
    path = add_host(host, replace=replace)
    if json:
        print_json([_state(host)])
    else:
        report(f"added {host.name} to {path}")


def _remove(name: str, *, json: bool) -> int:
    removed = remove_host(name)
    if json:
        print_json(list[HostState]())
    else:
        report(f"removed {name}" if removed else f"you have no host {name} of your own")
    return 0 if removed else FAILED


def _list(*, json: bool) -> None:
    entries = admit_found_hosts().hosts
    states = [_state(host) for host in HOSTS.values()]
    states += [_refused_state(name, entries[name]) for name in REFUSED_HOSTS]
    if json:
        print_json(states)
        return
    report_refused_hosts()
    print_table(
        ("host", "protocol", "key", "proved", "address"),
        [
            (
                state.name,
                state.protocol or "",
                state.key if state.key != "not set" else f"not set ({' or '.join(state.key_in)})",
                state.proof_kind or "no",
                state.address or "",
            )
            for state in states
        ],
    )


def _state(host: Host) -> HostState:
    access = provider_access(host.name)
    key = "set" if access.api_key or access.refusal else "not needed" if host.keyless else "not set"
    return HostState(
        name=host.name,
        title=host.title,
        protocol=host.protocol,
        address=host.default_url or host.url_template,
        key_in=list(host.key_variables),
        key=key,
        proved=host.is_proved,
        proof=host.proof,
        proof_kind=host.proof_kind,
        source=host.source,
        deviations=sorted(host.quirks.pages) if host.quirks is not None else [],
    )


def _refused_state(name: str, entry: HostEntry) -> HostState:
    return HostState(
        name=name,
        title=name,
        protocol=entry.protocol,
        address=entry.base_url,
        key_in=[] if entry.key_env is None else [entry.key_env],
        key="not approved",
        proved=False,
        proof=None,
        proof_kind=None,
        source=None,
        deviations=[],
    )
