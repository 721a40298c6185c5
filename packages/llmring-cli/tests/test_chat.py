"""chat."""

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llmring import LLMRing
from llmring.testing import Answer, Received, Rule, Script, faults
from llmring_cli.chat.message import attachment
from llmring_cli.chat.saved import open_store
from simulated import Simulated

Run = Callable[..., tuple[int, str, str]]


def test_without_anything_set_up_the_simulated_model_answers_and_it_is_said(llmring: Run) -> None:
    code, out, err = llmring("chat", "Hello")
    assert code == 0
    assert out.startswith("This is a simulated answer")
    assert "using sim:demo" in err
    assert "llmring lock init" in err


def test_the_answer_goes_to_standard_output_alone(llmring: Run) -> None:
    llmring("bind", "default", "sim:demo")
    code, out, err = llmring("chat", "Hello")
    assert (code, err) == (0, "")
    assert "Hello" in out
    assert out.endswith("\n")


def test_streamed_it_is_the_same_text(llmring: Run) -> None:
    llmring("bind", "default", "sim:demo")
    assert llmring("chat", "Hello", "--stream") == llmring("chat", "Hello")


@pytest.mark.parametrize("more", [(), ("--verbose",)])
def test_json_is_one_document_and_nothing_else(llmring: Run, more: tuple[str, ...]) -> None:
    llmring("bind", "helper", "sim:demo")
    code, out, _ = llmring("chat", "Hello", "-m", "helper", "--json", *more)
    answer = json.loads(out)
    assert code == 0
    assert answer["model"] == "sim:demo"
    assert answer["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] > 0
    assert [attempt["outcome"] for attempt in answer["attempts"]] == ["ok"]


def test_json_of_a_stream_is_one_document_for_each_piece(llmring: Run, simulated: Simulated) -> None:
    simulated.script = Script(
        rules=(Rule(answer=Answer(text="one two three", reasoning="Hm.", chunk_size=4)),)
    )
    code, out, err = llmring(*CHAT, "Hello", "--json", "--stream")
    pieces = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert all(len(piece) == 1 for piece in pieces)
    assert "".join(piece.get("delta", "") for piece in pieces) == "one two three"
    assert len([piece for piece in pieces if "delta" in piece]) > 1
    assert pieces[-1]["response"]["content"] == "one two three"


def test_verbose_tells_model_tokens_cost_and_attempts_on_standard_error(llmring: Run) -> None:
    _, out, err = llmring("chat", "Hello", "--model", "sim:demo", "-v")
    lines = dict(line.split(": ", 1) for line in err.splitlines())
    assert lines["model"] == "sim:demo"
    assert lines["cost"] == "$0.000000"
    assert lines["tokens"].endswith(" out")
    assert lines["attempt"].startswith("sim:demo answered in ")
    assert "tokens" not in out


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI with a key, and Ollama, at an address where nothing listens; each is tried once."""
    for name, value in {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LLMRING_RETRY_ATTEMPTS", "1")


@pytest.mark.usefixtures("unreachable")
def test_when_a_whole_pool_fails_one_line_says_so(llmring: Run) -> None:
    llmring("bind", "pool", "openai:gpt-4o,ollama:llama3")
    code, out, err = llmring("chat", "Hi", "-m", "pool")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: [ollama] no answer from 127.0.0.1:9")
    assert err.endswith("; none of 2 models answered, --verbose reports each attempt\n")


@pytest.mark.usefixtures("unreachable")
def test_verbose_reports_each_attempt_of_a_pool_that_failed(llmring: Run) -> None:
    llmring("bind", "pool", "openai:gpt-4o,ollama:llama3")
    first, second, last = llmring("chat", "Hi", "-m", "pool", "-v")[2].splitlines()
    assert first.startswith("attempt: openai:gpt-4o failed after ")
    assert second.startswith("attempt: ollama:llama3 failed after ")
    assert last.startswith("error: [ollama] no answer from 127.0.0.1:9")


@pytest.mark.usefixtures("unreachable")
def test_where_no_local_server_answers_the_error_asks_whether_it_runs(llmring: Run) -> None:
    err = llmring("chat", "Hi", "-m", "ollama:llama3")[2]
    assert err.endswith("; is Ollama running? Its base URL is http://127.0.0.1:9\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("claude-haiku", "; did you mean anthropic:claude-haiku-4-5 or "),
        ("gpt5-mini", "; did you mean openai:gpt-5-mini or "),
        ("openai:gpt4o", "; did you mean openai:gpt-4o or "),
        ("anthropic:gemini-2.5-pro", "; did you mean google:gemini-2.5-pro or "),
    ],
)
def test_a_wrong_model_suggests_near_ones_of_every_provider(llmring: Run, model: str, end: str) -> None:
    code, _, err = llmring("chat", "Hi", "-m", model)
    assert (code, err.count("\n")) == (1, 1)
    assert end in err


@pytest.mark.parametrize("model", ["xyzzy-plugh", "openai:gpt-4o", "sim"])
def test_where_no_other_model_can_be_meant_none_is_suggested(llmring: Run, model: str) -> None:
    assert "did you mean" not in llmring("chat", "Hi", "-m", model)[2]


def test_a_model_that_the_provider_does_not_have_suggests_near_ones(
    llmring: Run, simulated: Simulated
) -> None:
    simulated.script = Script(rules=(Rule(fault=faults.Status(status=404)),))
    err = llmring("chat", "Hi", "-m", "openai:gpt-5-minimal")[2]
    assert "; did you mean openai:gpt-5-mini" in err


def test_calls_of_the_command_have_an_origin_of_their_own(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(folder / "usage.db"))
    llmring("chat", "Hi", "-m", "sim:demo")
    assert [row["origin"] for row in json.loads(llmring("export", "--format", "json")[1])] == ["llmring-cli"]


def test_a_missing_key_says_where_to_get_one(llmring: Run) -> None:
    err = llmring("chat", "Hi", "-m", "openai:gpt-4o")[2]
    assert "llmring keys set openai; keys: https://platform.openai.com/api-keys\n" in err


def test_a_refused_key_says_where_to_get_one(llmring: Run, simulated: Simulated) -> None:
    simulated.script = Script(rules=(Rule(fault=faults.Status(status=401)),))
    err = llmring(*CHAT, "Hi")[2]
    assert err.endswith("; keys: https://platform.openai.com/api-keys\n")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_message_may_come_from_standard_input(llmring: Run, arguments: tuple[str, ...]) -> None:
    assert (
        "You said: “from a pipe”" in llmring("chat", *arguments, "-m", "sim:demo", stdin="from a pipe\n")[1]
    )


@pytest.mark.parametrize(("arguments", "stdin"), [((), ""), (("-",), " \n"), ((" ",), None)])
def test_an_empty_message_is_an_error(llmring: Run, arguments: tuple[str, ...], stdin: str | None) -> None:
    code, out, err = llmring("chat", *arguments, "-m", "sim:demo", stdin=stdin)
    assert (code, out) == (1, "")
    assert err == 'error: the message is empty: llmring chat "Hello"\n'


def test_max_tokens_reaches_the_model(llmring: Run) -> None:
    _, out, _ = llmring("chat", "Hello", "-m", "sim:demo", "--max-tokens", "3", "--json")
    assert json.loads(out)["finish_reason"] == "length"


def test_the_profile_chooses_the_pool(llmring: Run) -> None:
    llmring("bind", "helper", "sim:first")
    llmring("bind", "helper", "sim:second", "--profile", "prod")
    _, out, _ = llmring("chat", "Hello", "-m", "helper", "--profile", "prod", "--json")
    assert json.loads(out)["model"] == "sim:second"


def asked(requests: list[Received]) -> list[dict[str, Any]]:
    """The messages of the last request, as OpenAI's protocol has them."""
    messages: list[dict[str, Any]] = requests[-1].json["messages"]
    return messages


CHAT = ("chat", "-m", "openai:gpt-4o")


def test_temperature_and_system_are_sent(llmring: Run, simulated: Simulated) -> None:
    llmring(*CHAT, "Hi", "--system", "Be brief.", "--temperature", "0.5")
    assert simulated.requests[-1].json["temperature"] == 0.5
    assert asked(simulated.requests) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_what_is_piped_in_is_added_to_the_message(llmring: Run, simulated: Simulated) -> None:
    llmring(*CHAT, "Review this:", stdin="- old\n+ new\n")
    assert asked(simulated.requests)[-1]["content"] == "Review this:\n\n- old\n+ new\n"


def test_files_are_sent_along_each_in_its_way(llmring: Run, simulated: Simulated, folder: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (folder / "b.pdf").write_bytes(b"%PDF-1.7 rest")
    (folder / "c.txt").write_text("words")
    llmring(*CHAT, "Look", "-f", "a.png", "-f", "b.pdf", "--file", "c.txt")
    parts = asked(simulated.requests)[-1]["content"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert parts[1]["file"]["file_data"].startswith("data:application/pdf;base64,")
    assert parts[2] == {"type": "text", "text": "File c.txt:\n\nwords"}
    assert parts[3] == {"type": "text", "text": "Look"}


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a\0", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8X", "image/webp"),
    ],
)
def test_an_image_is_known_by_its_bytes_and_not_by_its_name(
    llmring: Run, simulated: Simulated, folder: Path, head: bytes, media_type: str
) -> None:
    (folder / "a.png").write_bytes(head + b"rest")
    llmring(*CHAT, "Look", "-f", "a.png")
    (image, _) = asked(simulated.requests)[-1]["content"]
    assert image["image_url"]["url"].startswith(f"data:{media_type};base64,")


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"a\0b", b"BM is no image"]
)
def test_whatever_is_text_is_sent_as_text(
    llmring: Run, simulated: Simulated, folder: Path, data: bytes
) -> None:
    (folder / "a").write_bytes(data)
    llmring(*CHAT, "Look", "-f", "a")
    (text, _) = asked(simulated.requests)[-1]["content"]
    assert text["text"] == f"File a:\n\n{data.decode()}"


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("x.bin", b"\xff\x00", "neither text"),
        ("x.tiff", b"II*\x00\xff", "neither text"),
        ("gone", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_attached_is_named(
    llmring: Run, folder: Path, name: str, data: bytes | None, part: str
) -> None:
    if data is not None:
        (folder / name).write_bytes(data)
    code, out, err = llmring("chat", "Look", "-m", "sim:demo", "-f", name)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: cannot {'read' if data is None else 'attach'} {name}: ")
    assert part in err


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("https://x/y.png", {"type": "image_url", "image_url": {"url": "https://x/y.png"}}),
        ("HTTP://x/y.PDF?z", {"type": "document", "source": {"type": "url", "url": "HTTP://x/y.PDF?z"}}),
    ],
)
def test_an_address_is_attached_without_being_fetched(address: str, part: dict[str, Any]) -> None:
    assert attachment(address) == part


def test_a_conversation_goes_on_with_its_model(llmring: Run, simulated: Simulated) -> None:
    first = llmring(*CHAT, "One", "--system", "Be brief.")[1]
    llmring("chat", "--continue", "Two")
    assert asked(simulated.requests) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": first.removesuffix("\n")},
        {"role": "user", "content": "Two"},
    ]
    assert simulated.requests[-1].json["model"] == "gpt-4o"


def test_new_instructions_replace_the_old(llmring: Run, simulated: Simulated) -> None:
    llmring(*CHAT, "One", "--system", "Be brief.")
    llmring("chat", "-c", "Two", "--system", "Be long.")
    assert [message["content"] for message in asked(simulated.requests) if message["role"] == "system"] == [
        "Be long."
    ]


def test_each_folder_has_its_own_conversation(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llmring("chat", "One", "-m", "sim:demo")
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    code, _, err = llmring("chat", "-c", "Two")
    assert code == 1
    assert err.startswith("error: there is no conversation to continue")


def test_nobody_else_can_read_the_conversation(llmring: Run) -> None:
    llmring("chat", "One", "-m", "sim:demo")
    path = open_store().path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"One" in path.read_bytes()


def test_a_single_question_takes_the_place_of_the_last_until_it_is_continued(llmring: Run) -> None:
    for arguments in (("One",), ("Two",), ("-c", "Three"), ("-c", "Four"), ("Five",)):
        llmring("chat", "-m", "sim:demo", *arguments)
    assert [(each.title, each.messages) for each in open_store().list()] == [("Five", 2), ("Two", 6)]


def test_saving_can_be_switched_off(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    llmring("chat", "One", "-m", "sim:demo", "--no-save")
    monkeypatch.setenv("LLMRING_SAVE_CHATS", "off")
    llmring("chat", "Two", "-m", "sim:demo")
    assert open_store().list() == []
    monkeypatch.setenv("LLMRING_SAVE_CHATS", "maybe")
    code, _, err = llmring("chat", "Two", "-m", "sim:demo")
    assert (code, err) == (1, "error: LLMRING_SAVE_CHATS must be on or off; got 'maybe'\n")


def test_a_store_that_cannot_be_written_is_a_warning(llmring: Run) -> None:
    path = open_store().path
    path.mkdir(parents=True)
    code, out, err = llmring("chat", "One", "-m", "sim:demo")
    assert (code, "One" in out) == (0, True)
    assert err.startswith("warning: the conversation cannot be saved: the store of conversations ")


def test_a_program_can_load_the_conversation(llmring: Run, folder: Path) -> None:
    llmring("chat", "One", "-m", "sim:demo", "--system", "Be brief.")
    store = open_store()
    (saved,) = store.list()
    loaded = store.load(saved.id, LLMRing())
    assert (saved.topic, saved.cost, loaded.model) == (str(folder.resolve()), 0.0, "sim:demo")
    assert [message.role for message in loaded.messages] == ["system", "user", "assistant"]


def test_an_answer_that_ended_early_is_told(llmring: Run) -> None:
    assert (
        llmring("chat", "Hi", "-m", "sim:demo", "--max-tokens", "3")[2]
        == "warning: the answer ended early: length\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="links are made in POSIX's way")
def test_a_file_behind_a_link_out_of_the_folder_is_not_attached(llmring: Run, folder: Path) -> None:
    """Whoever wrote a repository may have made it: ``notes.txt`` that is a private key."""
    outside = folder.parent / "private"
    outside.write_text("secret")
    (folder / "notes.txt").symlink_to(outside)
    code, out, err = llmring("chat", "Hi", "-m", "sim:demo", "-f", "notes.txt")
    assert (code, out) == (1, "")
    assert err == (
        f"error: cannot read notes.txt: a symbolic link leads out of this folder to {outside}; "
        "name that file itself\n"
    )
    assert llmring("chat", "Hi", "-m", "sim:demo", "-f", str(outside))[0] == 0


TOOLS = """
def weather(city: str) -> str:
    "Look up the weather."
    return f"It rains in {city}."

number = 5
"""


@pytest.mark.parametrize("form", [(), ("--stream",), ("--json",)])
def test_tools_run_and_are_kept_with_the_conversation(
    llmring: Run, folder: Path, form: tuple[str, ...]
) -> None:
    llmring("bind", "default", "sim:demo")
    (folder / "lookups.py").write_text(TOOLS)
    code, out, err = llmring("chat", "Use weather: how is Rome?", "--tool", "lookups:weather", *form)
    assert (code, err) == (0, "")
    assert "It rains in" in out
    store = open_store()
    messages = store.load(store.list()[0].id, LLMRing()).messages
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]


def test_json_of_a_stream_has_the_results_of_tools(llmring: Run, folder: Path) -> None:
    llmring("bind", "default", "sim:demo")
    (folder / "lookups.py").write_text(TOOLS)
    out = llmring("chat", "Use weather: how is Rome?", "--tool", "lookups:weather", "--stream", "--json")[1]
    results = [line for line in map(json.loads, out.splitlines()) if "tool" in line]
    assert [result["tool"] for result in results] == ["weather"]


@pytest.mark.unmeasured
def test_tools_of_a_server_run(llmring: Run, folder: Path) -> None:
    llmring("bind", "default", "sim:demo")
    server = "from mcp.server.mcpserver import MCPServer\ns = MCPServer('t')\n@s.tool()\ndef now() -> str:\n    return 'noon'\ns.run()\n"
    (folder / "server.py").write_text(server)
    code, out, _ = llmring("chat", "Use now: what time is it?", "--mcp", f"{sys.executable} server.py")
    assert (code, "noon" in out) == (0, True)


@pytest.mark.unmeasured
def test_an_error_beside_a_server_is_one_line(llmring: Run, folder: Path) -> None:
    (folder / "server.py").write_text("from mcp.server.mcpserver import MCPServer\nMCPServer('t').run()\n")
    code, out, err = llmring("chat", "Hello", "-m", "nowhere", "--mcp", f"{sys.executable} server.py")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: alias 'nowhere' is not bound")


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--tool", "weather", "write module:function"),
        ("--tool", "nowhere:f", "cannot be loaded"),
        ("--tool", ".lookups:weather", "write module:function"),
        ("--tool", "raising:f", "cannot be loaded: ZeroDivisionError"),
        ("--tool", "broken:f", "cannot be loaded: SyntaxError"),
        ("--tool", "lookups:f", "cannot be loaded"),
        ("--tool", "lookups:number", "is no function"),
        ("--mcp", "/nowhere/at/all", "cannot be started"),
        ("--mcp", "npx 'server", "is not valid"),
    ],
)
def test_a_tool_that_is_not_there_is_named(
    llmring: Run, folder: Path, option: str, value: str, problem: str
) -> None:
    llmring("bind", "default", "sim:demo")
    (folder / "lookups.py").write_text(TOOLS)
    (folder / "raising.py").write_text("1 / 0")
    (folder / "broken.py").write_text("def f(:")
    code, out, err = llmring("chat", "Hello", option, value)
    assert (code, out) == (1, "")
    assert problem in err


def test_a_module_of_the_folder_does_not_stand_in_for_an_installed_one(llmring: Run, folder: Path) -> None:
    (folder / "colorsys.py").write_text("open('marker', 'w')")
    llmring("chat", "Hello", "-m", "sim:demo", "--tool", "colorsys:rgb_to_hls")
    assert not (folder / "marker").exists()
