"""llmring mcp lockfile, asked by the official client over both transports."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import llmring_lockfile
import pytest
from json_output import json_document, validate_output
from llmring.testing import Answer, Call, Rule, Script
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from simulated import Simulated
from terminal import Terminal

LLMRING = Path(sys.executable).with_name("llmring")


TOKEN = "a-token-of-the-test"


@contextmanager
def http_server(folder: Path, *arguments: str) -> Iterator[str]:
    process = subprocess.Popen(
        [LLMRING, "mcp", "lockfile", "--http", *arguments],
        cwd=folder,
        env={**os.environ, "LLMRING_MCP_TOKEN": TOKEN},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        yield line.partition(" at ")[2].partition(";")[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@asynccontextmanager
async def connected(transport: str, folder: Path) -> AsyncIterator[Client]:
    if transport == "stdio":
        server = StdioServerParameters(
            command=str(LLMRING), args=["mcp", "lockfile"], cwd=folder, env={"HOME": os.environ["HOME"]}
        )
        async with Client(stdio_client(server)) as client:
            yield client
    else:
        with http_server(folder) as url:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                yield client


async def call(client: Client, name: str, **arguments: Any) -> tuple[str, bool]:
    result = await client.call_tool(name, arguments)
    (part,) = result.content
    assert isinstance(part, types.TextContent)
    return part.text, result.is_error


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_client_can_manage_the_lockfile(transport: str, tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    async with connected(transport, tmp_path) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["save_lockfile"].annotations == types.ToolAnnotations(
            read_only_hint=False, open_world_hint=False
        )
        assert tools["bind_alias"].input_schema["required"] == ["alias", "models"]
        text, _ = await call(client, "bind_alias", alias="reader", models=["openai:gpt-4o"])
        assert '+alias = "reader"' in json.loads(text)["diff"]
        assert not path.exists()
        text, wrong = await call(client, "bind_alias", alias="reader", models=["gpt-4o"])
        assert wrong
        assert "provider:model" in text
        await call(client, "save_lockfile")
    assert llmring_lockfile.load(path).profile().aliases == ("reader",)


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_the_advisor_can_use_a_servers_tools(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    bind = Call("bind_alias", {"alias": "reader", "models": ["openai:gpt-4o"]})
    script = Script(
        rules=(
            Rule(after_tool=True, answer=Answer(text="Done.")),
            Rule(answer=Answer(tool_calls=(bind, Call("save_lockfile")))),
        )
    )
    with http_server(there) as url, Simulated(script) as simulated:
        done = subprocess.run(
            [LLMRING, "lock", "chat", "--server-url", url],
            input="a reader\ny\n",
            cwd=here,
            env={**os.environ, **simulated.environment, "LLMRING_MCP_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Done.\n")
    assert llmring_lockfile.load(there / "llmring.lock").profile().aliases == ("reader",)
    assert not (here / "llmring.lock").exists()


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
def test_who_starts_it_at_a_terminal_is_told_what_it_is_and_can_leave(tmp_path: Path) -> None:
    with Terminal("mcp", "lockfile", folder=tmp_path) as terminal:
        terminal.wait_for("an MCP client starts this command")
        terminal.type("hello\r")  # one that waits for a line can leave as one that has had some
        terminal.wait_for("hello")
        terminal.interrupt()
        assert terminal.finish() == 130


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_as_json_the_address_is_one_document(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [LLMRING, "mcp", "lockfile", "--http", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    document = json_document(process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    process.stdout.close()
    validate_output("mcp-lockfile", document)
    assert document["lockfile"] == str(tmp_path / "llmring.lock")


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [LLMRING, "lock", "chat", "-m", "sim:demo", "--server-url", "http://127.0.0.1:9/mcp"],
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: no MCP server answers at http://127.0.0.1:9/mcp")
    assert "Traceback" not in done.stderr


BEARER = {"Authorization": f"Bearer {TOKEN}"}
REFUSED: list[tuple[int, dict[str, str]]] = [
    (401, {}),
    (401, {"Authorization": "Bearer another"}),
    (401, {"Authorization": f"Basic {TOKEN}"}),
    (421, {**BEARER, "Host": "rebound.example"}),
    (421, {**BEARER, "Host": "rebound.example:8800"}),
    (403, {**BEARER, "Origin": "https://page.example"}),
    (403, {**BEARER, "Origin": "null"}),
    (403, {**BEARER, "Origin": "http://localhost:3000"}),
    (403, {**BEARER, "Origin": "http://127.0.0.1:1"}),
]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
async def test_pages_and_programs_without_the_token_are_refused(tmp_path: Path) -> None:
    accept = {"Accept": "application/json, text/event-stream"}
    with http_server(tmp_path) as url:
        async with httpx2.AsyncClient(headers=accept) as http:
            for status, headers in REFUSED:
                answer = await http.post(url, json=INITIALIZE, headers=headers)
                assert (answer.status_code, headers) == (status, headers)
                assert b"lockfile" not in answer.content
            assert (await http.post(url, json=INITIALIZE, headers=BEARER)).status_code == 200
    with http_server(tmp_path, "--no-token") as url:
        async with httpx2.AsyncClient(headers=accept) as http:
            assert (await http.post(url, json=INITIALIZE)).status_code == 200
            assert (
                await http.post(url, json=INITIALIZE, headers={"Origin": "https://a.example"})
            ).status_code == 403


@pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")
def test_the_advisor_is_told_which_token_lacks(tmp_path: Path) -> None:
    with http_server(tmp_path) as url:
        done = subprocess.run(
            [LLMRING, "lock", "chat", "-m", "sim:demo", "--server-url", url],
            cwd=tmp_path,
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert (
        done.stderr == f"error: no MCP server answers at {url}: it requires a token; set LLMRING_MCP_TOKEN\n"
    )
