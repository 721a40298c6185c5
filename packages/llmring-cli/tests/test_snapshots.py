"""What people see, kept as text: a change of it is a change somebody decided on.

After such a decision: ``UPDATE_SNAPSHOTS=1 pytest packages/llmring-cli/tests/test_snapshots.py``, and read
the difference.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring import LLMRing, Message
from llmring.conversation import Conversation
from llmring_cli.chat.saved import open_store
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
    ("bind", "new", "openai:gpt-6,sim:demo", "--profile", "prod"),
    ("cache", "clear"),
    ("cache", "info"),
    ("chat", "Hello", "-m", "deep", "--verbose", "--plain"),
    ("chat", "Hello", "-m", "nosuch"),
    ("embed", "--help"),
    ("embed", "Hello", "-m", "sim:demo", "--dimensions", "3", "--verbose"),
    ("chat", "--frobnicate"),
    ("batch", "--help"),
    ("batch", "submit", "--help"),
    ("batch", "run", "--help"),
    ("batch", "plan", "--help"),
    ("batch", "status", "--help"),
    ("files", "--help"),
    ("files", "list", "--help"),
    ("files", "list"),
    ("keys", "--help"),
    ("keys", "set", "--help"),
    ("chats", "--help"),
    ("chats", "list"),
    ("doctor",),
    ("info", "fast"),
    ("list", "-p", "openai"),
    ("providers",),
    ("registry", "refresh", "openai"),
    ("unbind", "fast"),
    ("stats",),
    ("stats", "--by", "day", "--chart"),
    ("scan-models", "--help"),
    ("scan-models", "models.py"),
    ("server", "status"),
    ("server", "stats"),
    ("server", "logs"),
    ("server", "key", "--help"),
    ("lock", "audit"),
    ("lock", "bump-registry"),
    ("lock", "chat", "--guided"),
    ("lock", "check"),
    ("lock", "diff", "old.lock"),
    ("lock", "explain", "fast"),
    ("lock", "init"),
    ("lock", "init", "--file", "new.lock"),
    ("lock", "scan", "app.py"),
    ("lock", "stubs"),
    ("lock", "suggest", "-p", "openai"),
    ("lock", "suggest", "--min-context", "999000000"),
    ("lock", "update"),
    ("lock", "upgrade"),
    ("lock", "validate"),
]
NARROW: list[tuple[str, ...]] = [
    ("--help",),
    ("chat", "--help"),
    ("aliases",),
    ("chats", "list"),
    ("doctor",),
    ("info", "anthropic:claude-haiku-4-5"),
    ("list", "-p", "anthropic"),
    ("providers",),
    ("lock", "suggest", "--need", "tools", "-p", "anthropic", "--limit", "3"),
]

ROOMY = 80
# What differs from day to day and from release to release.
CHANGING = [
    (r"\x1b\[\d*m", ""),  # bold
    (r"(?m)[ \t]+$", ""),
    (r"\b(llmring[-a-z]*)(\s+)\d+\.\d+\.\d+", r"\1\2X.Y.Z"),
    (r"sha256:[0-9a-f]{64}|\d{4}-\d\d-\d\dT[\d:.+]+", "X"),
    (r"\d+(\s+)days(\s+)old", r"N\1days\2old"),
    (r"in \d+\.\d+ s\b", "in N s"),
    (r"(3f9c0a1b.*)\d{4}-\d\d-\d\d \d\d:\d\d|(\(UTC\): )\d{4}-\d\d-\d\d \d\d:\d\d", r"\1\2YYYY-MM-DD HH:MM"),
]


@pytest.fixture
def lockfile(llmring: Run, folder: Path, publish: Publish) -> None:
    publish({"gpt-5": {}, "gpt-6": {"dollars_per_million_tokens_input": 2.5}})
    llmring("bind", "fast", "openai:gpt-5", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-5,openai:gpt-6")
    llmring("bind", "deep", "sim:demo")
    llmring("lock", "update")
    publish({"gpt-5": {"is_active": False}, "gpt-6": {"max_input_tokens": 50_000}}, version=8)
    talk = Conversation(
        LLMRing(), "deep", messages=[Message.user("Why is the sky blue, and the sunset red?")]
    )
    open_store().save(talk, "3f9c0a1b2c3d4e5f", topic=str(folder))
    (folder / "app.py").write_text('LLMRequest([], model="fast")\nLLMRequest([], model="fsat")\n')
    (folder / "models.py").write_text('MODEL = "claude-3-opus-20240229"\nOTHER = "openai:gpt-4o-mini"\n')


@pytest.mark.usefixtures("lockfile", "usage_log")
@pytest.mark.parametrize(
    ("arguments", "columns"),
    [(row, ROOMY) for row in ROWS] + [(row, columns) for columns in (60, 40) for row in NARROW],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_it_looks_as_it_did(
    llmring: Run,
    folder: Path,
    usage_server: UsageServer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    columns: int,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("platform.python_version", lambda: "3.14.0")
    for name, value in {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    code, out, err = llmring(*arguments)
    shown = f"$ llmring {' '.join(arguments)}\n{out}--- standard error\n{err}--- exit code {code}\n"
    shown = shown.replace(str(folder), "FOLDER").replace(str(Path.home()), "HOME")
    shown = shown.replace(usage_server.url, "http://SERVER")
    for pattern, replacement in CHANGING:
        shown = re.sub(pattern, replacement, shown)
    name = re.sub(r"[^a-z0-9]+", "-", " ".join(arguments).lower()).strip("-")
    path = SNAPSHOTS / (f"{name}.txt" if columns == ROOMY else f"{name}.{columns}.txt")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown)
    assert shown == path.read_text()


def test_no_snapshot_is_left_over() -> None:
    assert len(list(SNAPSHOTS.iterdir())) == len(ROWS) + 2 * len(NARROW)
