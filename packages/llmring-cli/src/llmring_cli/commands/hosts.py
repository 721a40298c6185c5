"""``llmring hosts``."""

import msgspec
from llmring import provider_access
from llmring_types.hosts import HOSTS, Host

from llmring_cli._output import print_json, print_table
from llmring_cli._parameters import Json


class HostState(msgspec.Struct, kw_only=True):
    """One host, as it is known and as it is set up here.

    Attributes:
        name: the part of a model reference before the colon.
        title: the name for people.
        protocol: the protocol that it speaks; ``None`` where a package brings one.
        address: its base URL, ``{NAME}`` standing for an environment variable; ``None`` where it needs none.
        key_in: the environment variables that may hold its key.
        key: ``set``, ``not set``, or ``not needed`` where there is none and none is wanted.
        proved: an exchange with the real host is among the tests of llmring.
        proof: where that exchange is published.
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
    source: str | None
    deviations: list[str]


def hosts(*, json: Json = False) -> None:
    """List every host that llmring knows, and whether its key is set here.

    No request is sent. Keys are never shown. With --json, also where each host deviates from its protocol, and
    whether an exchange with it is among the tests.

    $ llmring hosts
    $ llmring hosts --json | jq -r '.[] | select(.proved | not) | .name'
    """
    states = [_state(host) for host in HOSTS.values()]
    if json:
        print_json(states)
        return
    print_table(
        ("host", "protocol", "key", "proved", "address"),
        [
            (
                state.name,
                state.protocol or "",
                state.key if state.key != "not set" else f"not set ({' or '.join(state.key_in)})",
                "yes" if state.proved else "no",
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
        source=host.source,
        deviations=sorted(host.quirks.pages) if host.quirks is not None else [],
    )
