"""The tables of docs/migrate-from-1.4.md: every cell of code runs."""

import ast
import asyncio
import inspect
import re
import shlex
import warnings
from pathlib import Path

import llmring_lockfile
import pytest
from llmring import (
    ConversationManager,
    LLMRequest,
    LLMRing,
    LLMRingExtended,
    LLMRingSession,
    Message,
    ModelRef,
)
from llmring.conversation import Conversation
from llmring.lockfile import Lockfile
from llmring.mcp.client import AsyncMCPClient, EnhancedLLM, MCPClient, create_enhanced_llm
from llmring.tools import mcp_tools
from llmring_cli import run

PAGE = Path(__file__).parents[1] / "docs" / "migrate-from-1.4.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in PAGE.read_text().splitlines()
    if line.startswith("| `")
]
CODE = re.compile(r"`([^`]+)`")
NAMES = {
    each.__name__: each
    for each in (
        AsyncMCPClient,
        Conversation,
        ConversationManager,
        EnhancedLLM,
        LLMRequest,
        LLMRing,
        LLMRingExtended,
        LLMRingSession,
        Lockfile,
        MCPClient,
        Message,
        ModelRef,
        Path,
        create_enhanced_llm,
        llmring_lockfile,
        mcp_tools,
    )
}
"""Those that cells use without importing them."""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which ``summarizer`` is the simulated model."""
    monkeypatch.chdir(tmp_path)
    for profile in ("default", "dev"):
        llmring_lockfile.bind("llmring.lock", "summarizer", "sim:demo", profile=profile, create=True)


def do(code: str) -> None:
    """Run Python with ``await``, or a command behind ``$``, which must succeed."""
    if code.startswith("$ llmring "):
        assert run(shlex.split(code)[2:]) == 0, code
    else:
        asyncio.run(evaluate(code))


async def evaluate(code: str) -> None:
    request = LLMRequest([Message(role="user", content="Hello")], model="summarizer")
    async with LLMRing() as ring:
        names = {**NAMES, "ring": ring, "request": request}
        result = eval(compile(code, "row", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307 - our own page
        if inspect.isawaitable(result):
            await result


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_code_of_a_row_runs(row: tuple[str, ...]) -> None:
    old, now = (CODE.fullmatch(cell) for cell in row[:2])
    assert old is not None, row
    assert now is not None, row
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        do(old[1])
    deprecated = [str(each.message) for each in caught if each.category is DeprecationWarning]
    assert bool(deprecated) == ("deprecated" in row[2])
    assert all(re.search(r" is llmring\S* now$", text) for text in deprecated)
    do(now[1])


def test_a_name_that_never_was_is_no_part_of_the_old_import_paths() -> None:
    from llmring import lockfile_core

    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = lockfile_core.Nothing
