"""The installed command as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

LLMRING = Path(sys.executable).with_name("llmring")
QUIET = {"OLLAMA_BASE_URL": "http://127.0.0.1:9"}


def llmring(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LLMRING, *arguments],
        input=stdin,
        cwd=folder,
        env={**os.environ, **QUIET, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_main_job_from_nothing_to_an_answer(tmp_path: Path) -> None:
    answer = llmring(tmp_path, "chat", "Hello")
    assert answer.returncode == 0
    assert "simulated" in answer.stdout
    assert "using sim:demo" in answer.stderr


def test_the_interpreter_runs_it_by_its_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llmring_cli", "bind"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: ALIAS is missing. See: llmring bind --help\n"


def test_the_keys_of_a_dotenv_file_are_used(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-made-up\n")
    rows = {row["name"]: row for row in json.loads(llmring(tmp_path, "providers", "--json").stdout)}
    assert rows["anthropic"]["configured"]


def test_the_library_reads_no_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-made-up\n")
    code = "import llmring; print([row.configured for row in llmring.provider_status() if row.name == 'anthropic'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[False]\n"


def test_a_mistake_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = llmring(tmp_path, "chat", "Hello", "-m", "nosuch")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_command_line_is_exit_code_2(tmp_path: Path) -> None:
    assert llmring(tmp_path, "chat", "--frobnicate").returncode == 2


def test_standard_input_may_be_any_bytes(tmp_path: Path) -> None:
    done = subprocess.run(
        [LLMRING, "chat", "-m", "sim:demo"], input=b"\xff\xfe", cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: standard input is not text")


def test_a_terminal_without_unicode_still_gets_the_answer(tmp_path: Path) -> None:
    done = llmring(tmp_path, "chat", "Hello", "-m", "sim:demo", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "simulated answer" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("list",), ("--help",), ("chat", "Hello", "-m", "sim:demo", "--stream")], ids=" ".join
)
def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [LLMRING, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_an_interrupt_ends_the_command_with_130(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = subprocess.Popen(
            [LLMRING, "chat", "Hello", "-m", "ollama:slow"],
            cwd=tmp_path,
            env={**os.environ, "OLLAMA_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(1)  # the request is under way, not the connection
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc tells whether a process waits")
@pytest.mark.parametrize(
    "arguments",
    [("chat", "-m", "sim:demo"), ("lock", "chat", "--guided"), ("lock", "chat", "-m", "sim:demo")],
    ids=" ".join,
)
def test_an_interrupt_does_not_wait_for_the_end_of_standard_input(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with subprocess.Popen(
        [LLMRING, *arguments],
        cwd=tmp_path,
        env={**os.environ, **QUIET},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        if arguments[0] == "chat":
            process.stdin.write(b"x" * 1_000_000)  # more than a pipe holds, so it is being read
        else:
            while process.stderr.read(1) != b">":
                pass
        stat = Path(f"/proc/{process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "S":  # until it sleeps in the next read
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert b"Traceback" not in process.stderr.read()
