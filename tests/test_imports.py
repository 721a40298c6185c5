"""What an import may load: the library is light because nothing is loaded before it is used."""

import subprocess
import sys
from importlib import import_module

import pytest

SDKS = ("openai", "anthropic", "google.genai", "ollama")
HTTP = ("aiohttp", "httpx", "httpx2", "requests", "urllib3")
CLI = ("cyclopts", "rich", "click", "typer", "dotenv", "prompt_toolkit")
OPTIONAL = ("sqlite3", "opentelemetry", "logging", "llmring.server", "llmring.usage", "llmring.logging")
SLOW = ("asyncio", "importlib.metadata", "tomlkit", "jsonschema", "pydantic", "trio", "anyio", "genai_prices")

ALLOWED: list[tuple[str, tuple[str, ...]]] = [
    ("import llmring_types", (*SDKS, *HTTP, *CLI, *SLOW)),
    ("import llmring_lockfile", (*SDKS, *HTTP, *CLI, *SLOW)),
    ("import llmring_providers", (*SDKS, *HTTP, *CLI, *SLOW)),
    ("import llmring", (*SDKS, *HTTP, *CLI, *SLOW, *OPTIONAL)),
    ("import llmring; llmring.LLMRing()", (*SDKS, *HTTP, *CLI, *SLOW, *OPTIONAL)),
    (
        "import llmring; llmring.LLMRing(server_url='http://127.0.0.1:1', usage_log='u.db')",
        (*SDKS, *HTTP, *CLI, *SLOW, "opentelemetry"),
    ),
    ("import llmring.usage", (*SDKS, *HTTP, *CLI, *SLOW, "opentelemetry", "llmring.server")),
    ("import llmring.server, llmring.logging", (*SDKS, *HTTP, *CLI, *SLOW, "sqlite3", "opentelemetry")),
    (
        "from llmring_cli._app import build_app; build_app()",
        (*SDKS, *HTTP, "llmring", "tomlkit", "pydantic"),
    ),
]


@pytest.mark.unmeasured
@pytest.mark.parametrize(("statement", "forbidden"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_importing_loads_nothing_that_is_not_needed(statement: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys\n{statement}\nprint(*[name for name in {forbidden!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []


@pytest.mark.parametrize("module", ["llmring", "llmring.registry", "llmring_types", "llmring_lockfile"])
def test_what_is_loaded_on_use_is_listed_before(module: str) -> None:
    code = f"import importlib; module = importlib.import_module({module!r}); print({{*module.__all__}} - {{*dir(module)}})"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert listed.stdout == "set()\n"


@pytest.mark.parametrize("package", ["llmring_types", "llmring_lockfile", "llmring", "llmring.registry"])
def test_names_that_are_loaded_on_use_can_be_used_and_no_other_is_promised(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'absent'"):
        module.absent  # noqa: B018 - the access is the test


def test_type_checkers_take_no_name_for_one_that_is_loaded_on_use() -> None:
    """mypy reads this file, too, and complains of an ignored error that is none."""
    with pytest.raises(ImportError):
        from llmring import absent  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from llmring.registry import absent  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from llmring_lockfile import absent  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from llmring_types import absent  # type: ignore[attr-defined]  # noqa: F401
