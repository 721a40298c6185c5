"""Every command, run in a repository of an attacker: no key leaves, nothing of it runs, nothing outside it changes."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hostile import STEERING, Attacker, build_repository
from llmring_cli import run
from llmring_cli._commands import COMMANDS, GROUPS
from llmring_cli._output import printable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, pipes and signals are made in POSIX's way")

CANARIES = {
    name: f"canary-of-{name.lower().replace('_', '-')}-0123456789"
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GOOGLE_API_KEY",
        "OLLAMA_API_KEY",
        "EVIL_API_KEY",
        "LLMRING_API_KEY",
        "LLMRING_MCP_TOKEN",
        "LLMRING_PAGE_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
    )
}
PRIVATE_FILE = "canary-of-a-private-file-0123456789"
WORDS = [command.name for command in COMMANDS] + [
    f"{group} {command.name}" for group, (_, commands) in GROUPS.items() for command in commands
]
ARGUMENTS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "--install-completion": [("--shell", "bash", "--output", "out.sh")],
    "aliases": [(), ("--profile", STEERING), ("-f", "broken.lock"), ("--json",)],
    "batch cancel": [("job.json",), ("there/victim",)],
    "batch export": [("job.db",), ("link.lock", "-o", "out.csv"), ("usage.db",)],
    "batch plan": [("there/victim.csv", "-p", "{a}"), ("rows.csv", "-m", "openai:gpt-4o", "-p", "{a}")],
    "batch poll": [("job.json",), ("notes.txt",), ("link.lock", "--json")],
    "batch results": [("job.json",), ("job.json", "--wait")],
    "batch retry": [("job.db",), ("there/victim",), ("link.lock", "--json")],
    "batch run": [
        ("rows.csv", "-m", "evil:x", "-p", "{a}", "-o", "out.csv"),
        ("rows.csv", "-m", "fast", "-p", "{{ a.__class__ }}", "--journal", "link.lock"),
        ("rows.csv", "-m", "sim:demo", "-p", "{a}", "--journal", "there/job.db"),
        ("rows.csv", "-m", "openai:gpt-4o", "-p", "{a}", "-o", "there/new.csv"),
        ("there/victim.csv", "-m", "sim:demo", "-p", "{a}"),
    ],
    "batch status": [("job.db",), ("link.lock", "--json"), ("usage.db",)],
    "batch submit": [
        ("there/victim", "out.json", "-m", "openai:gpt-4o"),
        ("notes.txt", "out.json", "-m", "openai:gpt-4o", "--json"),
        ("notes.txt", "link.lock", "-m", "fast"),
        ("notes.txt", "pipe.py", "-m", "openai:gpt-4o"),
    ],
    "bind": [("new", "openai:gpt-4o"), ("new", "openai:gpt-4o", "-f", "link.lock")],
    "chat": [
        ("Hi",),
        *(
            ("Hi", "-m", name)
            for name in ("fast", "openai:gpt-4o", "anthropic:x", "google:x", "ollama:x", "evil:x")
        ),
        ("Hi", "-m", STEERING, "-v"),
        ("Hi", "-m", "openai:gpt-4o", "--json"),
        ("Hi", "-m", "openai:gpt-4o", "--plain"),
        ("Hi", "-m", "openai:gpt-4o", "--json", "--stream"),
        ("Hi", "-m", "sim:demo", "-f", "notes.txt"),
        ("Hi", "-m", "ollama:x", "-f", "there/victim"),
        ("--continue", "Hi"),
    ],
    "chats continue": [(), (STEERING,)],
    "chats export": [(), ("-o", "there/new.md"), (STEERING,)],
    "chats list": [(), ("--here",), ("--json",)],
    "chats rm": [("--all", "--yes"), (STEERING,)],
    "chats search": [("Hi",), (STEERING, "--json")],
    "chats show": [(), (STEERING,), ("--json",)],
    "doctor": [(), ("--online",), ("--json",), ("-f", "broken.lock")],
    "embed": [
        ("Hi", "-m", "fast"),
        ("Hi", "-m", "evil:x"),
        ("Hi", "-m", STEERING, "-v"),
        ("-m", "ollama:x", "-f", "there/victim"),
    ],
    "export": [("--log", "usage.db"), ("-o", "out.csv")],
    "files list": [(), ("openai",), ("evil", "--json")],
    "files rm": [("openai:x",), (f"openai:{STEERING}",), ("evil:x",)],
    "hosts": [(), ("--json",), ("add", "lab", "--base-url", "http://127.0.0.1:9/v1"), ("rm", "lab")],
    "info": [("fast",), (STEERING,), (f"openai:{STEERING}",), ("evil:x",), ("openai:gpt-4o", "--json")],
    "keys list": [(), ("--json",)],
    "keys path": [()],
    "keys remove": [("openai",), ("evil",), (STEERING,)],
    "keys set": [("evil",), (STEERING,)],
    "list": [(), ("--live",), ("--live", "-p", "ollama"), ("--all", "--json")],
    "lock audit": [
        ("--offline", "--html", "there/out.html", "--svg", "link.lock"),
        (),
        ("--sarif", "out.sarif"),
        ("--sarif", "-"),
    ],
    "lock bump-registry": [(), ("-f", "link.lock")],
    "lock chat": [(), ("--guided",), ("-m", "fast"), ("-m", "evil:x")],
    "lock check": [(), ("--json",), ("-f", "broken.lock"), ("-f", "pipe.py")],
    "lock diff": [(), ("old.lock",), ("HEAD~0", "--json"), ("old.lock", "--html", "link.lock"), ("nosuch",)],
    "lock explain": [("fast",), (STEERING,), ("evil_package:fast",), (STEERING, "--json")],
    "lock init": [(), ("--force",), ("--force", "-f", "link.lock"), ("--force", "-f", "there/new.lock")],
    "lock migrate": [(), *(("-f", name) for name in ("1.3.lock", "link.lock", "broken.lock", "pipe.py"))],
    "lock scan": [(), (".", "--json"), ("there",)],
    "lock stubs": [(), ("-o", "aliases.py"), ("-o", "there/new.py"), ("--json",)],
    "lock suggest": [(), ("--ready",), ("--json",)],
    "lock update": [(), ("--offline",)],
    "lock upgrade": [
        ("--yes",),
        ("--offline", "--yes"),
        (STEERING, "--offline"),
        ("--try", "--offline", "--yes"),
    ],
    "lock validate": [(), ("--offline",), ("--json",)],
    "mcp lockfile": [("--http",)],
    "scan-models": [
        (),
        ("--json",),
        ("there",),
        ("pipe.py",),
        ("--sarif", "there/out", "--markdown", "link.lock"),
    ],
    "serve key create": [(), ("--budget", "1/day"), ("--json",)],
    "serve key list": [(), ("--json",)],
    "serve key revoke": [(STEERING,)],
    "serve": [("--port", "0"), ("--port", "0", "--json")],
    "registry refresh": [(), ("openai",), ("--json",)],
    "server conversations": [(), ("x", "--messages"), ("--json",)],
    "server init": [(), ("--force",), ("--force", "--env-file", "link.env", "--skip-health-check")],
    "server key create": [("--update-env", "--env-file", "link.env"), ("--show",)],
    "server key rotate": [(), ("--env-file", "link.env")],
    "server logs": [(), ("--csv",), ("--json",)],
    "server stats": [(), ("--by", "day"), ("--by", "alias"), ("--json",)],
    "server status": [(), ("--json",)],
    "stats": [("--log", "usage.db", "--html", "there/out.html", "--svg", "link.lock"), ("--by", "day")],
    "trust": [("--list",), ("--revoke",)],
    "ui": [(), ("--json",), ("--log", "link.lock")],
    "unbind": [("fast",), (STEERING,)],
}
"""What is run of each command; of one that is not here, what it does without arguments."""
ENDLESS_S = 1.0
"""Commands that run until they are interrupted get so long."""
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def attacker() -> Iterator[Attacker]:
    with Attacker() as attacker:
        yield attacker


class Surroundings:
    """The attacker's repository, what lies outside of it, and where commands of it would leave a file."""

    def __init__(self, base: Path) -> None:
        self.repository, self.outside, self.markers = (
            base / name for name in ("clone", "outside", "markers")
        )

    def state(self) -> dict[str, bytes | str]:
        """Every file outside of the repository, but for those that llmring keeps for its user."""
        home = Path(os.environ["HOME"])
        kept = [home / ".local/state/llmring", home / ".cache/llmring", home / ".config/llmring"]
        state: dict[str, bytes | str] = {}
        for root in (self.outside, self.markers, home):
            for path in sorted(root.rglob("*")):
                if any(path.is_relative_to(one) or one.is_relative_to(path) for one in kept):
                    continue
                state[str(path)] = (
                    str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
                )
        return state


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, attacker: Attacker) -> Surroundings:
    there = Surroundings(tmp_path_factory.mktemp("hostile"))
    for folder in (there.repository, there.outside, there.markers):
        folder.mkdir()
    (there.outside / "victim").write_text(PRIVATE_FILE)
    build_repository(there.repository, there.outside, there.markers, attacker.url)
    return there


@pytest.fixture
def there(original: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """The surroundings as they were, with the repository as the working directory."""
    backup = original.repository.with_name("backup")
    if not backup.exists():
        backup.mkdir()
        subprocess.run(["cp", "-a", f"{original.repository}/.", backup], check=True)  # noqa: S607
    monkeypatch.chdir(original.repository)
    home = Path(os.environ["HOME"])
    (home / ".bashrc").write_text("# mine\n")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")
    yield original
    shutil.rmtree(original.repository)
    subprocess.run(["cp", "-a", backup, original.repository], check=True)  # noqa: S607


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run_here(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Run a command as on a terminal; return what the terminal got."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Hello\n/save\n/exit\n")))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    endless = arguments[0] in {"sim", "ui"} or arguments[:2] == ["serve", "--port"] or "--http" in arguments
    with interrupted_after(ENDLESS_S if endless else PATIENCE_S):
        code = run(arguments)
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert endless == (code == 130), text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("words", WORDS)
def test_no_key_leaves_nothing_runs_and_nothing_outside_changes(
    words: str,
    there: Surroundings,
    attacker: Attacker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    before = there.state()
    for arguments in ARGUMENTS.get(words, [()]):
        attacker.received.clear()
        text = run_here([*words.split(), *arguments], monkeypatch, capsys)
        assert printable(text) == text
        leaked = [name for name, value in CANARIES.items() if attacker.has_received(value)]
        assert (arguments, leaked) == (arguments, [])
        assert not attacker.has_received(PRIVATE_FILE), arguments
        assert (arguments, there.state()) == (arguments, before)


@pytest.mark.parametrize("failing", [False, True], ids=["answers", "errors"])
@pytest.mark.parametrize("words", WORDS)
def test_nothing_that_comes_from_outside_steers_the_terminal(
    words: str,
    failing: bool,
    there: Surroundings,
    attacker: Attacker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The user has chosen the attacker's hosts."""
    (there.repository / ".env").unlink()
    for name in ("OPENAI_BASE_URL", "OLLAMA_BASE_URL", "LLMRING_SERVER_URL", "LLMRING_REGISTRY_URL"):
        monkeypatch.setenv(name, attacker.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("LLMRING_API_KEY", "k")
    monkeypatch.setattr(attacker, "failing", failing)
    for arguments in ARGUMENTS.get(words, [()]):
        text = run_here([*words.split(), *arguments], monkeypatch, capsys)
        assert (arguments, printable(text)) == (arguments, text)


def test_the_traps_work(
    there: Surroundings,
    attacker: Attacker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the tests above look for is there to be found."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARIES["OPENAI_API_KEY"])
    text = f"OPENAI_BASE_URL={attacker.url}\nLLMRING_USAGE_LOG={there.outside}/usage.db\n"
    (there.repository / ".env").write_text(text)
    run_here(["trust"], monkeypatch, capsys)
    before = there.state()
    run_here(["chat", "Hi", "-m", "openai:gpt-4o"], monkeypatch, capsys)
    assert attacker.has_received(CANARIES["OPENAI_API_KEY"])
    assert there.state() != before  # the usage log that the approved file names
    (there.outside / "usage.db").unlink()
    subprocess.run(["./run-me"], check=True)
    subprocess.run([sys.executable, "-c", "import evil_provider"], check=True)
    assert {path.name for path in there.markers.iterdir()} == {"command", "import"}
    for path in there.markers.iterdir():
        path.unlink()
    assert printable(STEERING) != STEERING


@pytest.mark.parametrize("how", ["script", "module"])
def test_a_process_of_its_own_runs_no_code_of_the_folder(
    there: Surroundings, how: str, attacker: Attacker
) -> None:
    command = (
        [Path(sys.executable).with_name("llmring")]
        if how == "script"
        else [sys.executable, "-m", "llmring_cli"]
    )
    if how == "module":  # Python itself imports what has the name of llmring's own modules
        for name in ("llmring", "dotenv", "rich", "httpx2", "sqlite3", "sitecustomize"):
            shutil.rmtree(there.repository / name)
    attacker.received.clear()
    for arguments in (
        ("chat", "Hi", "-m", "evil:x"),
        ("mcp", "lockfile"),
        ("lock", "check"),
        ("lock", "diff"),
    ):
        subprocess.run(
            [*command, *arguments],
            env={**os.environ, **CANARIES},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert list(there.markers.iterdir()) == []
    assert not any(attacker.has_received(value) for value in CANARIES.values())
