"""Every block of code of the skill documents, as it is written, with each provider over the simulator.

Blocks stand for themselves: names that a block uses and does not define are those of :func:`neighbours`. What cannot
run as it stands is in :data:`NOT_AS_IT_STANDS`, and must fail in the way that is named there.
"""

import ast
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Iterator
from inspect import CO_COROUTINE
from pathlib import Path
from typing import Any, NamedTuple

import llmring
import llmring_lockfile
import pytest
from llmring import LLMRequest, LLMRing, Message
from llmring.exceptions import ValidationError
from llmring.testing import Simulator
from llmring_cli import run
from skill_documents import Block, blocks

BLOCKS = list(blocks())
MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-2.5-pro",
    "ollama": "llama3",
}
ALIASES = """
    analyzer assistant balanced chatbot creative-writer default explainer factual-responder fast myalias reliable
    responder summarizer
"""
REGISTRY = Path(llmring.__file__).parent / "registry" / "data"
pytestmark = pytest.mark.skipif(not BLOCKS, reason="the skill documents are not beside the repository")


class Reason(NamedTuple):
    """A part of the block by which it is known, why it cannot run, and what it raises then."""

    part: str
    why: str
    raises: type[BaseException]


NOT_AS_IT_STANDS = [
    Reason("    origin: str = ", "a signature", SyntaxError),
    Reason("    messages: List[Message],", "a signature", SyntaxError),
    Reason('    role: Literal["system"', "a signature", SyntaxError),
    Reason("async def chat(\n", "a signature", SyntaxError),
    Reason("async def chat_stream(\n", "a signature", SyntaxError),
    Reason("def get_provider(provider_type: str) ->", "a signature", SyntaxError),
    Reason("content: str, ", "a signature", SyntaxError),
    Reason(", ...)", "leaves arguments out", SyntaxError),
    Reason(
        "# Your streaming alias messages=messages)", "a comment swallows the end of the call", SyntaxError
    ),
    Reason("tools = [...]", "leaves the tools out", ValidationError),
    Reason("tools=[...]", "leaves the tools out", ValidationError),
    Reason('ring.chat("summarizer", messages=[...])\n\n# V', "chat takes a request", TypeError),
    Reason('"myalias", messages=[...])', "leaves the messages out", ValidationError),
    Reason("    messages=[...]\n)", "leaves the messages out", ValidationError),
    Reason('"enum": List[str]', "a shape in words; typing.List is not imported", NameError),
    Reason('role="admin"', "shows the error", ValidationError),
    Reason("generation_config={", "not what the vendor's SDK takes: it is config", TypeError),
    Reason("model['name']", "not what the vendor's SDK answers: it is model['model']", KeyError),
    Reason("content=result,  # Should be string!", "shows the error", ValidationError),
    Reason(
        "contact['age']", "reads what its schema leaves optional; the simulated model leaves it out", KeyError
    ),
    Reason("post['tags']", "as above", KeyError),
    Reason("from my_library import", "a library that somebody is to write", ModuleNotFoundError),
]


def reason_of(block: Block) -> Reason | None:
    return next((each for each in NOT_AS_IT_STANDS if each.part in block.code), None)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(params=MODELS)
def project(
    request: pytest.FixtureRequest, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A folder with lockfiles in which every alias is a model of one provider, and the keys of all four."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_GEMINI_API_KEY"):
        monkeypatch.setenv(name, "made-up")
    for provider, variable in (
        ("openai", "OPENAI_BASE_URL"),
        ("anthropic", "ANTHROPIC_BASE_URL"),
        ("google", "GOOGLE_GEMINI_BASE_URL"),
        ("ollama", "OLLAMA_BASE_URL"),
    ):
        monkeypatch.setenv(variable, simulator.base_url(provider))
    model = f"{request.param}:{MODELS[request.param]}"
    (tmp_path / "path/to").mkdir(parents=True)
    text = "".join(
        f'[[profiles.{profile}.bindings]]\nalias = "{alias}"\nmodels = ["{model}"]\n'
        for profile in ("default", "dev", "prod")
        for alias in ALIASES.split()
    )
    for path in ("llmring.lock", "my-llmring.lock", "custom.lock", "my.lock", "path/to/llmring.lock"):
        Path(path).write_text(text)
    return model


async def neighbours(ring: LLMRing, document: str, model: str, folder: Path) -> dict[str, Any]:
    """Return what the blocks around one define: a request, its answer, tools and the like."""
    text = {"type": "string"}
    function = {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]
    schema = {
        "type": "object",
        "properties": {"name": text, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    request = LLMRequest([Message(role="user", content="Hello")], model=model)
    if document == "structured-output":
        request.response_format = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    if document == "tools":
        request.messages = [Message(role="user", content="Call get_weather.")]
        request.tools, request.tool_choice = tools, "required"
    response = await ring.chat(request)
    return {
        "FUNCTIONS": {"get_weather": lambda **_: {"temp": 72}},
        "DEFAULT_LOCKFILE": "llmring.lock",
        "LLMRequest": LLMRequest,
        "LLMRing": LLMRing,
        "LibraryA": lambda lockfile_path: LLMRing(lockfile_path=lockfile_path),
        "Message": Message,
        "REQUIRED_ALIASES": ["summarizer"],
        "__file__": f"{folder}/block.py",
        "execute_tool": lambda call: call["function"]["name"],
        "get_weather_tool": tools[0],
        "huge_thread": "A long thread.",
        "json": json,
        "messages": [Message(role="user", content="Hello")],
        "os": os,
        "request": request,
        "response": response,
        "result": {"temperature": 72},
        "search_tool": {"type": "function", "function": {**function, "name": "search_web"}},
        "service": ring,
        "tool_call": response.tool_calls[0] if response.tool_calls else {"id": "c1"},
        "tool_id": "c1",
        "tools": tools,
    }


async def do(block: Block, model: str, folder: Path) -> None:
    async with LLMRing() as ring:
        names = await neighbours(ring, block.document, model, folder)
        code = compile(block.code, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)  # noqa: S307 - the documents are the contract
        if code.co_flags & CO_COROUTINE:
            await result


def of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


@pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")  # of the vendor's SDK
@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python(block: Block, project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "service.init_lockfile()" in block.code:
        Path("llmring.lock").unlink()
    reason = reason_of(block)
    if reason is None:
        asyncio.run(do(block, project, tmp_path))
    else:
        with pytest.raises(reason.raises):
            asyncio.run(do(block, project, tmp_path))
    assert "Error: " not in capsys.readouterr().out


OTHER_PROGRAMS = ("uv ", "pip ", "python ")
NEEDS_A_PERSON = "llmring lock chat"
REFUSED = 'llmring bind fast "gpt-4o-mini"'


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("block", of("bash"), ids=str)
def test_commands(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setenv(
        "LLMRING_REGISTRY_URL", REGISTRY.as_uri()
    )  # the published one cannot be reached from a test
    if "llmring lock init" in block.code:
        Path("llmring.lock").unlink()
        Path("path/to/llmring.lock").unlink()
    for line in block.code.splitlines():
        bare = line.partition("#")[0].strip()
        if not bare or bare.startswith((*OTHER_PROGRAMS, NEEDS_A_PERSON)):
            continue
        if bare.startswith("llmring "):
            assert (run(shlex.split(bare)[1:]) == 0) == (bare != REFUSED), line
        else:
            name, _, value = bare.removeprefix("export ").partition("=")
            assert name in ENVIRONMENT, line
            monkeypatch.setenv(name, value)


ENVIRONMENT = (Path(__file__).parents[1] / "docs" / "environment.md").read_text("utf-8")


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_lockfiles(block: Block) -> None:
    if "[tool.hatch" in block.code:  # of another program
        return
    lockfile = llmring_lockfile.parse(block.code)
    assert any(profile.bindings for profile in lockfile.profiles.values())


def test_each_reason_is_that_of_a_block() -> None:
    if not any(block.document == "tools" for block in BLOCKS):
        pytest.skip("not all six documents are here")
    unused = [each for each in NOT_AS_IT_STANDS if not any(each.part in block.code for block in BLOCKS)]
    assert [
        each for each in unused if each.why != "a signature"
    ] == []  # a text without fences has none of those
