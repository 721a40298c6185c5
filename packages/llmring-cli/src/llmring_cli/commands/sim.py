"""``llmring sim``."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring.testing import Script, Simulator, serve
from llmring.trust import read_content
from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import HOSTS

from llmring_cli._output import CommandError, print_json, print_line, report
from llmring_cli._parameters import Json, Port


async def sim(
    script: Path | None = None,
    /,
    *,
    host: str = "127.0.0.1",
    port: Port = 0,
    host_name: Annotated[list[str] | None, Parameter(negative="")] = None,
    json: Json = False,
) -> None:
    """Run a simulated provider until interrupted.

    It implements the protocols of every provider in the table and accepts any key. The output sets environment
    variables for a shell; llmring, the vendors' SDKs and other programs that read them then use the simulator.
    A script in TOML or JSON defines answers and faults; without one a demo model answers.

    $ llmring sim
    $ llmring sim faults.toml --port 8400

    Args:
        script: A list of rules: a condition on calls, and an answer or a fault.
        host: The address to listen on.
        port: The port; 0 picks a free one.
        host_name: Another host name that clients use, such as a container's. May be given several times.
    """
    rules = None if script is None else Script.parse(_read(script))

    def ready(simulator: Simulator) -> None:
        if json:
            urls = {name: simulator.base_url(name) for name in _simulated()}
            print_json({"url": simulator.url, "base_urls": urls, "environment": simulator.environment})
        else:
            for name, value in simulator.environment.items():
                print_line(f"export {name}={value}")
            report("run these lines in another shell; press Ctrl-C to stop the simulator")
        sys.stdout.flush()

    try:
        await serve(rules, host=host, port=port, host_names=host_name or (), on_ready=ready)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _simulated() -> list[str]:
    """Return the hosts that can be led to the simulator: those that have a base URL."""
    return [host.name for host in HOSTS.values() if host.base_url_variables]


def _read(path: Path) -> str:
    try:
        return read_content(path).decode()
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise CommandError(f"cannot read the script {path}: {error}") from error
