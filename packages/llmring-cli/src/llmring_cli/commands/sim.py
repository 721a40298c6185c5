"""``llmring sim``."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

from cyclopts import Parameter
from llmring.testing import Received, Script, Simulator
from llmring.trust import read_content
from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import HOSTS

from llmring_cli._output import WRONG_USAGE, CommandError, print_json, print_line, report
from llmring_cli._parameters import Json, Port

_SIGNALLED = 128
"""Added by shells to the number of the signal that ended a command."""


def sim(
    script: Path | None = None,
    /,
    *,
    run: str | None = None,
    host: str = "127.0.0.1",
    port: Port = 0,
    host_name: Annotated[list[str] | None, Parameter(negative="")] = None,
    json: Json = False,
    verbose: Annotated[bool, Parameter(alias="-v", negative="")] = False,
) -> int:
    """Run a simulated provider until interrupted, or while another command runs.

    It implements the protocols of every provider in the table and accepts any key. The output sets environment
    variables for a shell; llmring, the vendors' SDKs and other programs that read them then use the simulator.
    After --, a command that gets these variables: the simulator ends with it, and with its exit code.
    A script in TOML or JSON defines answers and faults; without one a demo model answers.

    $ llmring sim
    $ llmring sim faults.toml --port 8400
    $ llmring sim faults.toml -- pytest -q

    Args:
        script: A list of rules: a condition on calls, and an answer or a fault.
        run: The command to run, as one text; -- COMMAND is the same.
        host: The address to listen on.
        port: The port; 0 picks a free one.
        host_name: Another host name that clients use, such as a container's. May be given several times.
        verbose: Report each request on standard error also while a command runs.

    Returns:
        The exit code of the command.
    """
    rules = None if script is None else Script.parse(_read(script))
    log = _report_request if run is None or verbose else None
    simulator = Simulator(rules, host=host, port=port, host_names=host_name or (), on_request=log)
    try:
        with simulator:
            return _wait(simulator, json) if run is None else _run(run, simulator)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _wait(simulator: Simulator, json: bool) -> int:
    """Print where it is, and leave it running."""
    if json:
        urls = {name: simulator.base_url(name) for name in _simulated()}
        print_json({"url": simulator.url, "base_urls": urls, "environment": simulator.environment})
    else:
        for name, value in simulator.environment.items():
            print_line(f"export {name}={value}")
        report("run these lines in another shell; press Ctrl-C to stop the simulator")
    sys.stdout.flush()
    Event().wait()
    return 0


def _run(command: str, simulator: Simulator) -> int:
    """Run a command with the variables that lead to the simulator, and return its exit code."""
    words = shlex.split(command)
    if not words:
        raise CommandError("-- needs a command", exit_code=WRONG_USAGE)
    try:
        process = subprocess.Popen(words, env={**os.environ, **simulator.environment})  # noqa: S603 - the user's own
    except OSError as error:
        raise CommandError(f"cannot run {words[0]}: {error.strerror}") from error
    with process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the command has it, too, and ends in its own way
            code = process.wait()
    return code if code >= 0 else _SIGNALLED - code


def _report_request(received: Received) -> None:
    model = f" {received.prompt.model}" if received.prompt is not None else ""
    report(f"{received.method} {received.path.partition('?')[0]}{model}")


def _simulated() -> list[str]:
    """Return the hosts that can be led to the simulator: those that have a base URL."""
    return [host.name for host in HOSTS.values() if host.base_url_variables]


def _read(path: Path) -> str:
    try:
        return read_content(path).decode()
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise CommandError(f"cannot read the script {path}: {error}") from error
