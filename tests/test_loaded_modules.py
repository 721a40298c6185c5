"""What starting loads, module by module: each one is paid for by everybody, at every start.

The sets are in ``tests/loaded_modules``. A change that is meant is taken over by ``python
tests/test_loaded_modules.py``; the commit then says what the new modules are for.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "loaded_modules"
STARTS = {
    "import_llmring": "import llmring",
    "make_a_ring": "import llmring; llmring.LLMRing()",
    "llmring_aliases": "from llmring_cli._run import run; run(['aliases'])",
    "llmring_bind": "from llmring_cli._run import run; run(['bind', 'fast', 'openai:gpt-4o'])",
    "llmring_lock_suggest": "from llmring_cli._run import run; run(['lock', 'suggest', '--need', 'tools'])",
    "llmring_version": "from llmring_cli._run import run; run(['--version'])",
}
LOCKFILE = 'version = "1.0"\n[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["openai:gpt-4o-mini"]\n'
PYTHON = "3.11"
"""Modules of the standard library count on this version only: their own insides change with every version."""


@pytest.mark.parametrize("start", STARTS)
def test_a_start_loads_what_it_did_before(start: str) -> None:
    pinned, loaded = set((FOLDER / f"{start}.txt").read_text().split()), loaded_modules(STARTS[start])
    if not is_pinned_python():
        pinned = {name for name in pinned if not is_standard(name)}
    assert loaded == pinned, (
        f"{STARTS[start]!r} loads more: {sorted(loaded - pinned)}, less: {sorted(pinned - loaded)}. "
        f"If that is meant: python {Path(__file__).relative_to(FOLDER.parents[1])}"
    )


def loaded_modules(code: str) -> set[str]:
    """Return ours by their full names, packages of others and of the standard library by their first."""
    names = _modules(code) - _modules("")
    found = {name if name.startswith("llmring") else name.partition(".")[0] for name in names}
    return {
        name for name in found if not name.startswith("_") and (is_pinned_python() or not is_standard(name))
    }


def is_standard(name: str) -> bool:
    return name in sys.stdlib_module_names


def is_pinned_python() -> bool:
    return sys.version.startswith(f"{PYTHON}.")


def _modules(code: str) -> set[str]:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "llmring.lock").write_text(LOCKFILE)
        command = [sys.executable, "-c", f"{code}\nimport sys\nprint('loaded:', *sys.modules)"]
        output = subprocess.run(
            command, cwd=home, env={"HOME": home}, capture_output=True, text=True, check=True
        ).stdout
    return set(output.partition("loaded:")[2].split())


if __name__ == "__main__":
    for name, code in STARTS.items():
        (FOLDER / f"{name}.txt").write_text("\n".join(sorted(loaded_modules(code))) + "\n")
