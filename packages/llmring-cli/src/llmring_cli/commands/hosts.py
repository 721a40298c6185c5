<<<<<<< HEAD
"""``llmring hosts``: hosts of one's own in the user configuration."""

from typing import Annotated, Literal

from cyclopts import Parameter
from llmring.hosts import add_host, own_host, remove_host

from llmring_cli._failure import FAILED
from llmring_cli._output import print_json, report
from llmring_cli._parameters import Json

Spoken = Literal["openai", "responses", "anthropic", "gemini", "ollama"]


def add(
    name: str,
    /,
    *,
    base_url: str,
    protocol: Spoken = "openai",
    key_env: Annotated[str | None, Parameter(name="--key-env")] = None,
    json: Json = False,
) -> None:
    """Add a host of your own, for models named NAME:MODEL.

    The host is kept in hosts.toml in the user configuration, and replaces one of the same name there. No key is
    kept: name the environment variable that holds it.

    $ llmring hosts add lab --base-url http://localhost:8000/v1
    $ llmring hosts add acme --base-url https://llm.acme.example/v1 --key-env ACME_API_KEY

    Args:
        name: The first half of references to its models.
        base_url: Where the paths of the protocol begin, as https://llm.acme.example/v1.
        protocol: The protocol that the host speaks.
        key_env: The environment variable that holds the key; none for a host without keys.
    """
    path = add_host(own_host(name, base_url=base_url, protocol=protocol, key_env=key_env))
    if json:
        print_json(
            [
                {
                    "name": name,
                    "base_url": base_url,
                    "protocol": protocol,
                    "key_env": key_env,
                    "file": str(path),
                }
            ]
        )
    else:
        report(f"added {name} to {path}")


def remove(name: str, /, *, json: Json = False) -> int:
    """Remove a host of your own. Exit code 1 if there is none of this name.

    $ llmring hosts rm lab

    Args:
        name: The name of the host.
    """
    removed = remove_host(name)
    if json:
        print_json([{"name": name, "removed": removed}])
    else:
        report(f"removed {name}" if removed else f"you have no host {name} of your own")
    return 0 if removed else FAILED
=======
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
>>>>>>> main
