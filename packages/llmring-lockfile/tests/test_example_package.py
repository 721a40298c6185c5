"""A library that ships a lockfile, installed for real and used from an environment of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent / "example"
UV = shutil.which("uv")
# Taken before the tests hide the home directory, where uv keeps what it has downloaded.
ENVIRON = {**os.environ, "UV_OFFLINE": "1"}

CONSUMER_LOCKFILE = """\
[extends]
packages = ["text-tools"]

[[profiles.default.bindings]]
alias = "text-tools:translator"
models = ["anthropic:claude-haiku-4-5"]
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The interpreter of a fresh environment with the example, this package and what they need."""
    if UV is None:
        pytest.skip("installs with uv, which is not here")
    folder = tmp_path_factory.mktemp("fresh")
    environ = {**ENVIRON, "UV_PROJECT_ENVIRONMENT": str(folder), "VIRTUAL_ENV": str(folder)}
    options = ["--frozen", "--no-dev", "--no-editable", "--package", "llmring-lockfile"]
    for name in ("llmring-types", "llmring-lockfile"):  # uv would take an earlier build from its cache
        options += ["--reinstall-package", name]
    interpreter = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    uv(environ, "venv", "--clear", "--python", sys.executable, str(folder))
    uv(environ, "sync", *options, "--project", str(EXAMPLE.parents[1]))
    uv(environ, "pip", "install", "--no-deps", "--reinstall", "--python", str(interpreter), str(EXAMPLE))
    yield interpreter
    shutil.rmtree(folder)


def uv(environ: dict[str, str], *arguments: str) -> None:
    assert UV is not None
    subprocess.run([UV, "--quiet", *arguments], check=True, env=environ)


def run(python: Path, code: str, directory: Path) -> str:
    command = [str(python), "-W", "error", "-c", code]
    return subprocess.check_output(command, cwd=directory, env={}, text=True).strip()


def test_the_library_uses_the_lockfile_that_it_ships(python: Path, tmp_path: Path) -> None:
    code = (
        "from text_tools import TextTools as T; t = T(); print(t.model_for('extractor'), t.can_proofread())"
    )
    assert run(python, code, tmp_path) == "openai:gpt-5-mini False"


def test_its_user_overrides_the_lockfile_by_a_path(python: Path, tmp_path: Path) -> None:
    bindings = "{'extractor': 'openai:x', 'translator': 'openai:y', 'proofreader': 'openai:z'}"
    code = (
        "from llmring_lockfile import create_lockfile; from text_tools import TextTools\n"
        f"create_lockfile('own.lock', bindings={bindings})\n"
        "tools = TextTools('own.lock'); print(tools.model_for('extractor'), tools.can_proofread())"
    )
    assert run(python, code, tmp_path) == "openai:x True"


def test_a_lockfile_without_what_it_needs_is_refused_at_the_start(python: Path, tmp_path: Path) -> None:
    code = (
        "from llmring_lockfile import create_lockfile; from text_tools import TextTools\n"
        "create_lockfile('own.lock', bindings={'extractor': 'openai:x'})\n"
        "try: TextTools('own.lock')\n"
        "except ValueError as error: print(error)"
    )
    assert run(python, code, tmp_path).startswith("text-tools needs an alias that is not bound")


def test_a_consumer_extends_the_package_and_overrides_one_alias(python: Path, tmp_path: Path) -> None:
    (tmp_path / "llmring.lock").write_text(CONSUMER_LOCKFILE)
    code = (
        "import sys; from llmring_lockfile import Resolver, discover\n"
        "resolver = Resolver(discover().path)\n"
        "for name in ('text-tools:extractor', 'text_tools:translator'):\n"
        "    found = resolver.resolve(name); print(found.source, found.models[0], found.path.parent.name)\n"
        "print('text_tools' in sys.modules)"
    )
    assert run(python, code, tmp_path).splitlines() == [
        "package openai:gpt-5-mini text_tools",
        f"override anthropic:claude-haiku-4-5 {tmp_path.name}",
        "False",
    ]


def test_no_other_part_of_llmring_is_needed(python: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import distributions\n"
        "print(*sorted(found.name for found in distributions()))\n"
    )
    assert run(python, code, tmp_path).split() == [
        "llmring-lockfile",
        "llmring-types",
        "msgspec",
        "text-tools",
    ]
