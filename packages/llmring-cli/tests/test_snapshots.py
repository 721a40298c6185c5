"""What people see, kept as text: a change of it is a change somebody decided on.

After such a decision: ``UPDATE_SNAPSHOTS=1 pytest packages/llmring-cli/tests/test_snapshots.py``, and read the difference.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from usage_server import UsageServer

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]
SNAPSHOTS = Path(__file__).parent / "snapshots"

ROWS: list[tuple[str, ...]] = [
    ("--help",),
    ("chat", "--help"),
    ("lock", "--help"),
    ("lock", "upgrade", "--help"),
    ("aliases",),
    ("doctor",),
    ("info", "fast"),
    ("list", "-p", "openai"),
    ("providers",),
    ("stats",),
    ("stats", "--by", "day", "--chart"),
    ("server", "status"),
    ("server", "stats"),
    ("server", "logs"),
    ("server", "key", "--help"),
    ("lock", "audit"),
    ("lock", "check"),
    ("lock", "diff", "old.lock"),
    ("lock", "explain", "fast"),
    ("lock", "scan", "app.py"),
    ("lock", "suggest", "-p", "openai"),
    ("lock", "update"),
    ("lock", "upgrade"),
    ("lock", "validate"),
]


@pytest.fixture
def lockfile(llmring: Run, folder: Path, publish: Publish) -> None:
    publish({"gpt-5": {}, "gpt-6": {"dollars_per_million_tokens_input": 2.5}})
    llmring("bind", "fast", "openai:gpt-5", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-5,openai:gpt-6")
    llmring("bind", "deep", "sim:demo")
    llmring("lock", "update")
    publish({"gpt-5": {"is_active": False}, "gpt-6": {"max_input_tokens": 50_000}}, version=8)
    (folder / "app.py").write_text('LLMRequest([], model="fast")\nLLMRequest([], model="fsat")\n')


@pytest.mark.usefixtures("lockfile", "usage_log")
@pytest.mark.parametrize("arguments", ROWS, ids=[" ".join(row) for row in ROWS])
def test_it_looks_as_it_did(
    llmring: Run,
    folder: Path,
    usage_server: UsageServer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    code, out, err = llmring(*arguments)
    shown = f"$ llmring {' '.join(arguments)}\n{out}--- standard error\n{err}--- exit code {code}\n"
    shown = re.sub(r"(?m)[ \t]+$", "", shown)
    shown = re.sub(r"(?m)^(version\s+\S+\s+)[\d.]+$", r"\1X", shown.replace(str(folder), "FOLDER"))
    shown = shown.replace(usage_server.url, "http://SERVER")
    shown = re.sub(r"sha256:[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.+]+", "X", shown)
    shown = re.sub(r"\d+ days old", "N days old", shown)
    name = re.sub(r"[^a-z0-9]+", "-", " ".join(arguments)).strip("-")
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown)
    assert shown == path.read_text()
