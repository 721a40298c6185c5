"""What the README of llmring-cli shows is run, with the simulator for a provider."""

import os
import re
import subprocess
from pathlib import Path

import llmring.registry
import pytest
from simulated import Simulated
from terminal import LLMRING

README = Path(__file__).parents[2] / "packages" / "llmring-cli" / "README.md"
SNAPSHOT = Path(llmring.registry.__file__).parent / "data"
COMMANDS = [
    command.partition("  #")[0].rstrip()
    for block in re.findall(r"^```console\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    if not command.startswith("pip ")
]
ANSWERS = {"llmring lock audit": (0, 1)}
"""Exit codes other than 0: what is found depends on the day."""


@pytest.mark.skipif(os.name != "posix", reason="the examples are for a POSIX shell")
def test_one_example_after_the_other_works(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "monday.txt").write_text("Buy milk.")
    (tmp_path / "letter.txt").write_text("Dear Ada")
    (tmp_path / ".llmring" / "templates").mkdir(parents=True)
    (tmp_path / ".llmring" / "templates" / "translate.toml").write_text(
        'prompt = "Into {language}: {input}"\n'
    )
    with Simulated() as simulated:
        environment = {
            **os.environ,
            **simulated.environment,
            "ANTHROPIC_API_KEY": "sk-made-up",
            "LLMRING_REGISTRY_URL": SNAPSHOT.as_uri(),
            "PATH": f"{LLMRING.parent}:{os.environ['PATH']}",
            "SHELL": "/bin/bash",
        }
        for command in COMMANDS:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in ANSWERS.get(command, (0,)), f"{command}\n{done.stdout}{done.stderr}"
    assert len(COMMANDS) > 10
