"""What --json prints follows a schema that is kept here: programs rely on it."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from llmring_cli._commands import COMMANDS, GROUPS
from referencing import Registry, Resource
from usage_server import UsageServer

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]
SCHEMAS = Path(__file__).parent / "schemas"

# What is run; a name that stands twice shows two sides of a command.
OUTPUTS: list[tuple[str, tuple[str, ...]]] = [
    ("install-completion", ("--install-completion", "--shell", "bash", "--output", "script")),
    ("aliases", ("aliases",)),
    ("bind", ("bind", "new", "openai:gpt-6,ollama:llama3:8b")),
    ("unbind", ("unbind", "fast")),
    ("unbind", ("unbind", "nosuch")),
    ("chat", ("chat", "Hi", "-m", "helper")),
    ("chat", ("chat", "Hi", "-m", "sim:demo", "--max-tokens", "2")),
    ("chats-list", ("chats", "list")),
    ("chats-search", ("chats", "search", "moon")),
    ("chats-search", ("chats", "search", "nowhere")),
    ("chats-show", ("chats", "show")),
    ("chats-rm", ("chats", "rm", "--all", "--yes")),
    ("doctor", ("doctor",)),
    ("doctor", ("doctor", "-f", "broken.lock")),
    ("doctor", ("doctor", "--online")),
    ("files-list", ("files", "list")),
    ("hosts", ("hosts",)),
    ("keys-list", ("keys", "list")),
    ("keys-remove", ("keys", "remove", "openai")),
    ("info", ("info", "fast")),
    ("info", ("info", "anthropic:claude-haiku-4-5")),
    ("info", ("info", "google:gemini-3.7-flash")),
    ("list", ("list", "--all")),
    ("providers", ("providers",)),
    (
        "stats",
        ("stats", "--by", "day", "--by", "alias", "--since", "2026-11-20", "--until", "2026-11-22T23:00"),
    ),
    ("stats", ("stats", "--origin", "nobody")),
    ("hosts", ("hosts", "add", "lab", "--base-url", "http://127.0.0.1:9/v1")),
    ("hosts", ("hosts", "rm", "lab")),
    ("trust", ("trust", "old.env")),
    ("trust", ("trust", "--list")),
    ("trust", ("trust", "--revoke")),
    ("scan-models", ("scan-models", "app.py")),
    (
        "serve-key-create",
        ("serve", "key", "create", "ci", "--alias", "fast", "--budget", "2/day", "--store", "keys.db"),
    ),
    ("serve-key-create", ("serve", "key", "create", "--store", "keys.db")),
    ("serve-key-list", ("serve", "key", "list", "--store", "keys.db")),
    ("server-conversations", ("server", "conversations")),
    ("server-init", ("server", "init", "--env-file", "new.env")),
    ("server-init", ("server", "init", "--env-file", "new.env", "--skip-health-check")),
    ("server-key-create", ("server", "key", "create", "--update-env")),
    ("server-key-create", ("server", "key", "create", "--show")),
    ("server-key-list", ("server", "key", "list")),
    ("server-key-rotate", ("server", "key", "rotate", "--env-file", "old.env")),
    ("server-logs", ("server", "logs")),
    ("server-stats", ("server", "stats")),
    ("server-status", ("server", "status")),
    ("server-status", ("server", "status", "--server", "http://127.0.0.1:9", "--api-key", "x")),
    ("cache-info", ("cache", "info")),
    ("cache-clear", ("cache", "clear")),
    ("registry-refresh", ("registry", "refresh", "openai", "google")),
    ("lock-audit", ("lock", "audit")),
    ("lock-bump-registry", ("lock", "bump-registry")),
    ("lock-check", ("lock", "check")),
    ("lock-diff", ("lock", "diff", "old.lock")),
    ("lock-explain", ("lock", "explain", "fast")),
    ("lock-explain", ("lock", "explain", "nosuch")),
    ("lock-init", ("lock", "init", "-f", "new.lock")),
    ("lock-migrate", ("lock", "migrate")),
    ("lock-scan", ("lock", "scan", "app.py")),
    ("lock-stubs", ("lock", "stubs")),
    ("lock-stubs", ("lock", "stubs", "--output", "aliases.py")),
    ("lock-stubs", ("lock", "stubs", "--output", "aliases.py", "--check")),
    ("lock-suggest", ("lock", "suggest", "--need", "tools")),
    ("lock-suggest", ("lock", "suggest", "--min-context", "999000000")),
    ("lock-update", ("lock", "update")),
    ("lock-upgrade", ("lock", "upgrade", "--yes")),
    ("lock-validate", ("lock", "validate")),
    ("lock-validate", ("lock", "validate", "--registry", "http://127.0.0.1:9")),
]
# Four run until they are interrupted: tests/cli/test_sim.py, test_mcp.py, test_ui.py and test_serve.py,
# which has the one that needs a key, too. One needs a provider: see
# test_files_command.py; jobs too: test_batches_command.py, test_bulk_commands.py.
ELSEWHERE = {
    "sim",
    "serve",
    "ui",
    "serve-key-revoke",
    "mcp-lockfile",
    "files-rm",
    "keys-set",
    "batch-submit",
    "batch-poll",
    "batch-cancel",
    "batch-plan",
    "batch-retry",
    "batch-status",
}
NO_JSON = {
    "help",
    "batch-export",
    "batch-run",
    "batch-results",
    "chats-continue",
    "chats-export",
    "embed",
    "export",
    "keys-path",
    "lock-chat",
}  # JSON lines, formats of its own, a path, conversations


@pytest.fixture
def lockfile(llmring: Run, folder: Path, publish: Publish) -> None:
    publish({"gpt-5": {}, "gpt-6": {"dollars_per_million_tokens_input": 2.5}})
    llmring("bind", "fast", "openai:gpt-5", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-5,openai:gpt-99")
    llmring("bind", "helper", "sim:demo")
    llmring("lock", "update")
    llmring("chat", "Tell me about the moon", "-m", "helper")
    publish({"gpt-5": {"is_active": False}, "gpt-6": {}}, version=8)
    (folder / "app.py").write_text(
        'LLMRequest([], model="fast")\nLLMRequest([], model=name)\nring.has_alias("x")\n'
    )
    (folder / "old.env").write_text("LLMRING_API_KEY=llmr_pk_old\n")
    (folder / "broken.lock").write_text("version = ")


@cache
def validator(name: str) -> Draft202012Validator:
    documents = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        [(document["$id"], Resource.from_contents(document)) for document in documents]
    )
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=registry)


@pytest.mark.usefixtures("lockfile", "usage_log", "usage_server")
@pytest.mark.parametrize(
    ("name", "arguments"), OUTPUTS, ids=[" ".join(arguments) for _, arguments in OUTPUTS]
)
def test_it_is_one_document_that_follows_its_schema(
    llmring: Run, name: str, arguments: tuple[str, ...]
) -> None:
    out = llmring(*arguments, "--json")[1]
    validator(name).validate(json.loads(out))


def test_a_conversation_follows_the_schema_with_its_messages(llmring: Run, usage_server: UsageServer) -> None:
    (row,) = json.loads(llmring("server", "conversations", "--json")[1])
    out = llmring("server", "conversations", row["id"], "--messages", "--json")[1]
    validator("server-conversations").validate(json.loads(out))
    assert json.loads(out)["messages"]


@pytest.mark.usefixtures("lockfile")
def test_a_stream_is_one_document_on_each_line(llmring: Run) -> None:
    lines = llmring("chat", "Hi", "-m", "helper", "--json", "--stream")[1].splitlines()
    for line in lines:
        validator("chat-stream").validate(json.loads(line))
    assert [json.loads(line).keys() for line in (lines[0], lines[-1])] == [{"delta"}, {"response"}]


def test_every_command_that_answers_something_has_a_schema() -> None:
    names = {command.name.removeprefix("--") for command in COMMANDS} | {
        f"{group.replace(' ', '-')}-{command.name}"
        for group, (_, commands) in GROUPS.items()
        for command in commands
    }
    covered = {name for name, _ in OUTPUTS}
    assert names - NO_JSON == covered | ELSEWHERE
    assert {path.stem for path in SCHEMAS.glob("*.json")} == covered | ELSEWHERE | {"common", "chat-stream"}


def test_the_schemas_are_strict(llmring: Run) -> None:
    assert not validator("providers").is_valid([{"name": "openai"}])
    assert not validator("list").is_valid([{"model": "openai:x", "more": 1}])
