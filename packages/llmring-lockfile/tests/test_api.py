import subprocess
import sys
from pathlib import Path

import llmring_lockfile
import pytest

SOURCES = Path(llmring_lockfile.__file__).parent


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import llmring_lockfile", {"tomlkit", "difflib", "importlib.metadata", "llmring_lockfile._scan"}),
        ("import llmring_lockfile", {"msgspec", "tomllib"}),
        ("from llmring_lockfile import load; load()", {"tomlkit", "difflib", "importlib.metadata", "json"}),
        (
            "import llmring_lockfile as l; l.create_lockfile('f'); l.bind('f', 'a', 'b:x'); l.bind('f', 'a', 'b:y')",
            {"tomlkit", "difflib", "importlib.metadata", "json"},
        ),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(code: str, absent: set[str], tmp_path: Path) -> None:
    show = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", show], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert absent.isdisjoint(done.stdout.split())


def test_one_module_knows_of_the_environment() -> None:
    assert [path.name for path in SOURCES.glob("*.py") if "os.environ" in path.read_text()] == ["_files.py"]


def test_the_bundled_lockfile_ships_with_the_package() -> None:
    assert llmring_lockfile.BUNDLED == SOURCES / "llmring.lock"
    assert llmring_lockfile.BUNDLED.is_file()
