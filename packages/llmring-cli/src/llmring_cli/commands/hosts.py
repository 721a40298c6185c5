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
