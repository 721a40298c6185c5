"""Surroundings that no command chooses: closed streams, a full disk, no home, no folder, an early Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell makes these surroundings")

LLMRING = Path(sys.executable).with_name("llmring")
COMMANDS = [
    ("--version",),
    ("providers", "--json"),
    ("chat", "Hi", "-m", "sim:demo"),
    ("lock", "chat", "--guided"),
    ("lock", "init"),
]


def run(folder: Path, shell: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as the shell text says; the command itself is "$@" there."""
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", LLMRING, *arguments],
        cwd=folder,
        env={**os.environ, "OLLAMA_BASE_URL": "http://127.0.0.1:9", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_good_as_an_empty_one(
    tmp_path: Path, arguments: tuple[str, ...], closed: str
) -> None:
    assert run(tmp_path, f'exec "$@" {closed}', *arguments).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [("--help",), ("list",), ("chat", "Hi", "-m", "sim:demo")], ids=" ".join
)
def test_a_full_disk_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, 'exec "$@" >/dev/full', *arguments)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.unmeasured
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_folder_that_is_gone_is_told_by_those_that_need_one(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(gone, 'rmdir "$PWD"; exec "$@"', *arguments)
    if arguments[0] in ("--version", "providers"):
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert "the working directory" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        (("chat", "Hi", "-m", "sim:demo"), "warning: the conversation cannot be saved: "),
        (("lock", "chat", "-m", "sim:demo"), "warning: the session cannot be saved"),
    ],
)
def test_a_home_that_nobody_can_write_to_costs_only_what_would_be_kept(
    tmp_path: Path, arguments: tuple[str, ...], warning: str
) -> None:
    done = run(tmp_path, 'echo Hi | "$@"', *arguments, XDG_STATE_HOME="/dev/null")
    assert done.returncode == 0
    assert "simulated answer" in done.stdout
    assert warning in done.stderr


@pytest.mark.parametrize("variable", ["LLMRING_REGISTRY_URL", "LLMRING_SERVER_URL"])
def test_an_address_that_is_none_is_told(tmp_path: Path, variable: str) -> None:
    done = run(tmp_path, 'exec "$@"', "chat", "Hi", "-m", "sim:demo", **{variable: "http://["})
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("import_", ["llmring_cli._run", "llmring_lockfile"])
def test_an_interrupt_while_it_starts_is_no_traceback(tmp_path: Path, import_: str) -> None:
    """The module interrupts its own process while it is imported, as an impatient user does."""
    (tmp_path / "impatient.py").write_text(
        "import importlib.abc, os, signal, sys\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {import_!r}:\n"
        f"            os.kill(os.getpid(), {signal.SIGINT.value})\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['llmring', 'aliases']\n"
        "import llmring_cli\n"
        "llmring_cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "impatient.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
