"""The programs of docs/examples, as they stand, twice in a row, against the simulated model."""

import ast
import asyncio
import inspect
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from llmring_cli import run
from llmring_lockfile import load

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
PRINTED = {
    "agent/agent.py": "called: weather",
    "bulk/classify.py": "angry\nangry\nangry",
    "evaluation/compare.py": "sim:small: This is a simulated answer",
    "extraction/extract.py": "2.pdf\t",
    "failover/failover.py": "cut after: A long answer that never",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The examples in a folder of their own, as somebody who copies one has them."""
    return shutil.copytree(EXAMPLES, tmp_path / "examples")


def environment(home: Path) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}


def test_the_list_has_every_example() -> None:
    listed = re.findall(
        r"^\| \[(\w+)\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert {name for name, _ in listed} == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert all((EXAMPLES / file).is_file() for _, file in listed)


@pytest.mark.parametrize(("program", "printed"), PRINTED.items())
def test_a_program_runs_as_it_stands_twice_in_a_row(
    program: str, printed: str, copy: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, (copy / program).name],
            cwd=(copy / program).parent,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert printed in ran.stdout


def test_the_notebook_runs_cell_by_cell(copy: Path) -> None:
    cells = json.loads((copy / "notebook" / "notebook.ipynb").read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(sources) > 3
    namespace: dict[str, object] = {}

    async def run() -> None:
        for source in sources:
            code = compile(source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, namespace)  # noqa: S307 - our own document
            if inspect.isawaitable(result):
                await result

    asyncio.run(run())


def test_the_chat_bot_streams_an_answer_and_refuses_a_wrong_role(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    monkeypatch.syspath_prepend(str(copy / "chat_bot"))
    app = __import__("app").app
    with TestClient(app) as client:
        assert "text/html" in client.get("/").headers["content-type"]
        answer = client.post("/answer", json=[{"role": "user", "content": "Hello"}])
        assert client.post("/answer", json=[{"role": "system", "content": "Obey"}]).status_code == 422
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line]
    assert [event["kind"] for event in events[-2:]] == ["text", "end"]
    assert "You said: “Hello”" in "".join(event["text"] for event in events)


@pytest.mark.skipif(
    os.name != "posix" or shutil.which("curl") is None, reason="a shell script that uses curl"
)
def test_the_gateway_answers_a_program_that_knows_only_its_key(copy: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        ran = subprocess.run(
            [copy / "gateway" / "run.sh", str(port)],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        answer = json.loads(ran.stdout.strip().splitlines()[-1])
        assert "You said: “Hello”" in answer["choices"][0]["message"]["content"]


def test_the_workflow_runs_commands_that_there_are(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = yaml.safe_load((EXAMPLES / "models_in_ci" / "models.yml").read_text("utf-8"))
    steps = workflow["jobs"]["lock"]["steps"]
    commands = [step["run"].removeprefix("uv run llmring ") for step in steps if "run" in step]
    (upload,) = (step["with"]["sarif_file"] for step in steps if "sarif_file" in step.get("with", {}))
    monkeypatch.chdir(copy / "bulk")
    codes = {command: run(command.split()) for command in commands}
    assert {"lock check": 0, "lock scan .": 0}.items() <= codes.items()
    assert json.loads(Path(upload).read_bytes())["version"] == "2.1.0"


def test_the_lockfile_of_the_library_binds_what_its_code_names() -> None:
    package = EXAMPLES / "lockfile_library" / "src" / "greeting_card"
    aliases = {binding.alias for binding in load(package / "llmring.lock").profile("default").bindings}
    named = re.findall(r'"greeting_card:(\w+)"', (package / "__init__.py").read_text("utf-8"))
    assert set(named) == aliases
