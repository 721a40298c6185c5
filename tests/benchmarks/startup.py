"""Starting the command: ``python tests/benchmarks/startup.py [--rounds N] [--instructions] [--most RATIO]``.

Prints the CPU time of commands that call no model, from the interpreter's start to its end, as multiples of
an empty cyclopts app with as many commands, which runs beside them. With ``--instructions`` it is
instructions that are counted, by valgrind: one round, and the same ratio on a busy machine. With ``--most``,
exit code 1 when a command is above it.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from llmring_cli._commands import COMMANDS, GROUPS

Cost = Callable[[Sequence[str], str], float]
"""Runs a command in a home and tells what that took."""
MEASURED: list[tuple[str, ...]] = [
    ("--version",),
    ("aliases",),
    ("aliases", "--json"),
    ("bind", "fast", "openai:gpt-4o"),
    ("cache", "info"),
    ("info", "openai:gpt-4o-mini"),
    ("list", "--json"),
    ("lock", "audit", "--offline"),
    ("lock", "check"),
    ("lock", "explain", "fast"),
    ("lock", "scan"),
    ("lock", "stubs"),
    ("lock", "suggest", "--need", "tools"),
    ("lock", "update", "--offline"),
    ("lock", "upgrade", "--offline"),
    ("lock", "validate", "--offline"),
    ("providers",),
    ("server", "key", "create", "--show"),
    ("unbind", "fast"),
]
"""Commands that call no model and ask nobody over a network, each with all that it does."""
COUNT = len(COMMANDS) + sum(len(commands) for _, commands in GROUPS.values())
LOCKFILE = 'version = "1.0"\n[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["openai:gpt-4o-mini"]\n'
_TELL = "import atexit, sys, time\natexit.register(lambda: print(time.process_time(), file=sys.stderr))\n"
_EMPTY = f"""
from cyclopts import App
app = App(name="empty", result_action="return_value")
for number in range({COUNT}):
    app.command(lambda: None, name=f"command{{number}}", help="Do nothing.")
app(["command0"])
"""
_LLMRING = "sys.argv[0] = 'llmring'\nfrom llmring_cli import main\nmain()\n"


def ratios(commands: Sequence[tuple[str, ...]], rounds: int, cost: Cost) -> dict[str, float]:
    """Return for each command the least that it costs over the least that the empty app does; the sides run in turn.

    A busy machine only ever adds to a cost.
    """
    with tempfile.TemporaryDirectory() as home:
        empty, least = math.inf, dict.fromkeys(commands, math.inf)
        for _ in range(rounds):
            empty = min(empty, cost([sys.executable, "-c", _TELL + _EMPTY], home))
            for command in commands:
                Path(home, "llmring.lock").write_text(LOCKFILE)
                ours = cost([sys.executable, "-c", _TELL + _LLMRING, *command], home)
                least[command] = min(least[command], ours)
    return {" ".join(command): ours / empty for command, ours in least.items()}


def seconds(command: Sequence[str], home: str) -> float:
    """Return the CPU time of a process that tells it last on standard error."""
    return float(_errors(command, home).splitlines()[-1])


def instructions(command: Sequence[str], home: str) -> float:
    """Return how many instructions a process takes."""
    counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    found = re.search(r"Collected : (\d+)", _errors([*counting, *command], home))
    if found is None:
        raise RuntimeError("valgrind tells no count")
    return float(found[1])


def _errors(command: Sequence[str], home: str) -> str:
    return subprocess.run(
        command, cwd=home, env={"HOME": home, "PATH": os.defpath}, capture_output=True, text=True, check=True
    ).stderr


def main() -> int:
    parser = argparse.ArgumentParser(description="The start of commands as ratios.")
    parser.add_argument("--rounds", type=int, default=11, help="measurements of each (default 11)")
    parser.add_argument("--instructions", action="store_true", help="count them instead of seconds")
    parser.add_argument("--most", type=float, help="exit code 1 when a ratio is above this")
    options = parser.parse_args()
    counted = (1, instructions) if options.instructions else (options.rounds, seconds)
    measured = ratios(MEASURED, *counted)
    for name, ratio in measured.items():
        sys.stdout.write(f"llmring {name:32} {ratio:5.2f} x an empty cyclopts app with {COUNT} commands\n")
    highest = max(measured.values())
    return int(options.most is not None and highest > options.most)


if __name__ == "__main__":
    sys.exit(main())
