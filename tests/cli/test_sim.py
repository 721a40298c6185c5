"""llmring sim as a process that others talk to."""

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from json_output import json_document, validate_output
from llmring.testing import Simulator
from llmring.testing._simulator import serve
from llmring_cli.commands import sim as sim_command

LLMRING = Path(sys.executable).with_name("llmring")
SCRIPT = '[[rules]]\nanswer = { text = "scripted" }\n'


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [LLMRING, "sim", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_what_it_prints_makes_a_shell_talk_to_it(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(SCRIPT)
    with start(tmp_path, "script.toml") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(9)]
        variables = dict(line.removeprefix("export ").strip().split("=") for line in lines)
        answer = subprocess.run(
            [LLMRING, "chat", "Hi", "-m", "anthropic:any"],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert (answer.returncode, answer.stdout) == (0, "scripted\n")
    assert variables["OLLAMA_HOST"] == variables["OLLAMA_BASE_URL"]  # what Ollama's own clients read


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_as_json_it_prints_one_document(tmp_path: Path) -> None:
    with start(tmp_path, "--json") as process:
        assert process.stdout is not None
        document = json_document(process.stdout)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    validate_output("sim", document)
    assert document["base_urls"]["openai"] == document["url"] + "/v1"
    assert document["environment"]["OLLAMA_HOST"] == document["base_urls"]["ollama"]


def within_sim(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [LLMRING, "sim", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_command_runs_within_it(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(SCRIPT)
    done = within_sim(tmp_path, "script.toml", "--", str(LLMRING), "chat", "Hi", "-m", "openai:any", "--json")
    assert done.returncode == 0
    assert '"scripted"' in done.stdout
    assert done.stderr == ""


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    assert within_sim(tmp_path, "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_a_command_that_a_signal_ended_gives_the_code_of_shells(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert within_sim(tmp_path, "--", sys.executable, "-c", code).returncode == 143


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--", "/no/such/program"), 1, "cannot run /no/such/program: No such file or directory"),
        (("--",), 2, "-- needs a command"),
    ],
)
def test_what_cannot_run_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = within_sim(tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"error: {message}\n")


def test_verbose_reports_each_request_without_its_query(tmp_path: Path) -> None:
    asked = (str(LLMRING), "chat", "Hi", "-m", "google:any", "--plain")
    done = within_sim(tmp_path, "--verbose", "--", *asked)
    assert done.stderr == "POST /v1beta/models/any:generateContent any\n"


@pytest.mark.parametrize("start", [sim_command.sim, Simulator, serve])
def test_simulators_are_on_this_machine_alone_unless_told_otherwise(start: Callable[..., object]) -> None:
    assert inspect.signature(start).parameters["host"].default == "127.0.0.1"
