"""lock chat, with lines for a person and the simulator for a model."""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llmring_lockfile
import pytest
from llmring import Message
from llmring.testing import Answer, Call, Rule, Script, faults
from llmring_cli.advisor.session import Session, kept_sessions, save_session, session_names
from llmring_cli.chat.terminal import CommandCompleter, model_names
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from simulated import Simulated

Run = Callable[..., tuple[int, str, str]]

BIND = Call("bind_alias", {"alias": "reader", "models": ["openai:gpt-4o", "anthropic:claude-haiku-4-5"]})
SAVE = Call("save_lockfile")
PROPOSES = Script(
    rules=(
        Rule(after_tool=True, answer=Answer(text="That is all.")),
        Rule(contains="reader", answer=Answer(tool_calls=(BIND, SAVE))),
        Rule(answer=Answer(text="What is it for?")),
    )
)


@pytest.fixture
def advised(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Hold a session with a scripted model; returns exit code, output, errors and the requests."""
    running: list[Simulated] = []

    def hold(script: Script, *lines: str, more: tuple[str, ...] = ()) -> Any:
        simulated = Simulated(script).__enter__()
        running.append(simulated)
        for name, value in simulated.environment.items():
            monkeypatch.setenv(name, value)
        result = llmring("lock", "chat", *more, stdin="".join(f"{line}\n" for line in lines))
        return (*result, simulated.requests)

    yield hold
    for simulated in running:
        simulated.__exit__()


def test_a_change_is_shown_and_written_after_a_yes(advised: Callable[..., Any]) -> None:
    code, out, err, _ = advised(PROPOSES, "I need a reader", "y")
    assert code == 0
    assert '+models = ["openai:gpt-4o", "anthropic:claude-haiku-4-5"]' in out
    assert out.rstrip().endswith("That is all.")
    assert "write this? [y/N]" in err
    assert llmring_lockfile.load().profile().aliases == ("reader",)


@pytest.mark.parametrize("answer", ["n", "", "no", "maybe"])
def test_anything_but_a_yes_writes_nothing_and_the_model_is_told(
    advised: Callable[..., Any], folder: Path, answer: str
) -> None:
    _, _, err, requests = advised(PROPOSES, "I need a reader", answer)
    assert not (folder / "llmring.lock").exists()
    results = [message["content"] for message in requests[-1].json["messages"] if message["role"] == "tool"]
    assert results[1].startswith("The developer refused.")
    assert "nothing was written" in err


def test_what_is_left_in_the_draft_is_asked_for_at_the_end(advised: Callable[..., Any]) -> None:
    _, _, err, _ = advised(PROPOSES, "I need a reader", "n", "/exit", "y")
    assert "there are unsaved changes:" in err
    assert llmring_lockfile.load().profile().aliases == ("reader",)


def test_the_model_is_told_how_to_advise_and_what_there_is(advised: Callable[..., Any], folder: Path) -> None:
    _, out, err, requests = advised(PROPOSES, "Hello")
    asked = requests[-1].json
    assert out == "What is it for?\n"
    assert "openai:gpt-5-2025-08-07 advises" in err
    assert asked["messages"][0]["role"] in ("system", "developer")
    assert str(folder / "llmring.lock") in asked["messages"][0]["content"]
    assert {tool["function"]["name"] for tool in asked["tools"]} >= {
        "find_models",
        "bind_alias",
        "save_lockfile",
    }


def test_the_history_goes_along_with_its_tool_calls(advised: Callable[..., Any]) -> None:
    *_, requests = advised(PROPOSES, "I need a reader", "y", "Thanks")
    roles = [message["role"] for message in requests[-1].json["messages"]]
    assert roles[1:] == ["user", "assistant", "tool", "tool", "assistant", "user"]


def test_a_session_is_kept_and_goes_on(advised: Callable[..., Any]) -> None:
    advised(PROPOSES, "I need a reader", "y")
    (session,) = kept_sessions()
    assert session.title == "I need a reader"
    assert session.messages[1].tool_calls is not None
    path = Path.home() / ".local/state/llmring/advisor/sessions" / f"{session.name}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    *_, requests = advised(PROPOSES, "And now?", more=("--continue",))
    assert requests[-1].json["messages"][1]["content"] == "I need a reader"


def test_sessions_can_be_listed_and_loaded(advised: Callable[..., Any]) -> None:
    advised(PROPOSES, "Hello")
    name = kept_sessions()[0].name
    _, out, err, requests = advised(
        PROPOSES, "/sessions", f"/load {name}", "/load nosuch", "Again", "/clear", "New"
    )
    assert f"{name}  Hello" in out
    assert "first message: Hello" in err
    assert "there is no session 'nosuch'" in err
    assert [len(request.json["messages"]) for request in requests] == [4, 2]


def test_an_error_of_the_model_is_told_and_the_session_goes_on(advised: Callable[..., Any]) -> None:
    script = Script(rules=(Rule(call=1, fault=faults.Status(status=400, message="no")), *PROPOSES.rules))
    code, out, err, requests = advised(script, "Hello", "Hello again")
    assert code == 0
    assert "error: " in err
    assert out.endswith("What is it for?\n")
    assert len(requests[-1].json["messages"]) == 2


def test_wrong_calls_are_told_to_the_model(advised: Callable[..., Any]) -> None:
    calls = (
        Call("bind_alias", "{broken"),
        Call("nosuch"),
        Call("bind_alias", {"alias": "x", "models": ["gpt"]}),
    )
    script = Script(
        rules=(Rule(after_tool=True, answer=Answer(text="Sorry.")), Rule(answer=Answer(tool_calls=calls)))
    )
    *_, requests = advised(script, "Go")
    results = [message["content"] for message in requests[-1].json["messages"] if message["role"] == "tool"]
    assert results[0].startswith("the arguments are not JSON")
    assert results[1].startswith("there is no tool nosuch")
    assert "provider:model" in results[2]


def test_a_model_that_never_ends_is_stopped(advised: Callable[..., Any]) -> None:
    script = Script(rules=(Rule(answer=Answer(tool_calls=(Call("list_aliases"),))),))
    code, _, err, requests = advised(script, "Go")
    assert code == 0
    assert "16 times without an answer" in err
    assert len(requests) == 16


def test_commands_with_a_slash_need_no_model(advised: Callable[..., Any]) -> None:
    _, out, err, requests = advised(
        PROPOSES, "/help", "/diff", "/save", "/model nosuch", "/model sim:demo", "/nonsense"
    )
    assert requests == []
    assert out == "nothing has changed\n"
    assert "/sessions" in err
    assert "there was nothing to write" in err
    assert "error: " in err
    assert "now using sim:demo" in err
    assert "unknown command /nonsense" in err


def test_another_model_of_the_lockfile_as_it_is_now_can_be_asked(advised: Callable[..., Any]) -> None:
    script = Script(
        rules=(
            Rule(after_tool=True, answer=Answer(text="That is all.")),
            Rule(contains="reader", answer=Answer(tool_calls=(BIND, SAVE))),
            Rule(answer=Answer(text="Hello.")),
        )
    )
    _, _, err, requests = advised(script, "I need a reader", "y", "/model reader", "Who are you?")
    assert "now using openai:gpt-4o" in err
    assert requests[0].json["model"] == "gpt-5-2025-08-07"
    assert requests[-1].json["model"] == "gpt-4o"


def test_calls_of_tools_are_told_on_one_line(
    advised: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    call = Call("find_models", {"needs": ["vision", "tools"], "limit": 3, "prefer": "strength"})
    script = Script(
        rules=(Rule(after_tool=True, answer=Answer(text="Ok.")), Rule(answer=Answer(tool_calls=(call,))))
    )
    assert "· find_models needs=vision,tools limit=…\n" in advised(script, "Go")[2]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", []),
        ("/s", ["/save", "/sessions"]),
        ("/model fa", ["/model fast"]),
        ("/model openai:gpt-4o-mini-20", ["/model openai:gpt-4o-mini-2024-07-18"]),
        ("/load 2026", ["/load 20260102-030405-000000"]),
        ("/help ", []),
        ("I need", []),
    ],
)
def test_tab_completes_commands_and_the_names_they_take(llmring: Run, typed: str, offered: list[str]) -> None:
    llmring("bind", "fast", "sim:demo")
    save_session(Session("20260102-030405-000000", "llmring.lock", [Message(role="user", content="Hi")]))
    completer = CommandCompleter(
        ["/save", "/sessions", "/model", "/load", "/help"], {"/model": model_names, "/load": session_names}
    )
    found = completer.get_completions(Document(typed), CompleteEvent())
    assert [typed[: len(typed) + one.start_position] + one.text for one in found] == offered


def test_the_advisor_of_ones_own_lockfile_comes_first(advised: Callable[..., Any], llmring: Run) -> None:
    llmring("bind", "advisor", "openai:my-own")
    *_, requests = advised(PROPOSES, "Hello")
    assert requests[-1].json["model"] == "my-own"


def test_a_broken_lockfile_is_named(llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "llmring.lock").write_text("version = ")
    code, out, err = llmring("lock", "chat", "-m", "sim:demo")
    assert (code, out) == (1, "")
    assert "llmring.lock" in err.splitlines()[-1]


def test_a_model_that_cannot_be_asked_is_an_error(llmring: Run) -> None:
    code, out, err = llmring("lock", "chat", "-m", "openai:gpt-4o")
    assert (code, out) == (1, "")
    assert "OPENAI_API_KEY" in err


def test_without_a_model_questions_lead_to_the_same_advice(llmring: Run) -> None:
    answers = ["reader", "vision, tools", "200,000", "$1", "cost", "1 2", "y", "n"]
    code, out, err = llmring("lock", "chat", stdin="\n".join(answers) + "\n")
    suggested = json.loads(
        llmring("lock", "suggest", "--need", "vision", "--need", "tools", "--min-context", "200000",
                "--max-input-price", "1", "--json")[1]
    )["suggestions"]  # fmt: skip
    binding = llmring_lockfile.load().profile().binding("reader")
    assert code == 0
    assert "no model is available" in err
    assert binding is not None
    assert [str(model) for model in binding.models] == [row["model"] for row in suggested[:2]]
    assert binding.constraints.needs == ("vision", "tools")
    assert f"1. {suggested[0]['model']}\t{suggested[0]['reason']}" in out


def test_the_questions_ask_again_for_what_cannot_be_and_tell_near_misses(llmring: Run, folder: Path) -> None:
    answers = ["reader", "wings", "", "", "", "many", "", "", "999000000", "", "", "y", "", "n"]
    code, out, err = llmring("lock", "chat", "--guided", stdin="\n".join(answers) + "\n")
    assert code == 0
    assert "nothing is called wings; try again" in err
    assert "these miss one:" in err
    assert "needs 999000000 tokens of context" in out
    assert not (folder / "llmring.lock").exists()


def test_without_a_yes_the_questions_write_nothing(llmring: Run, folder: Path) -> None:
    llmring("lock", "chat", "--guided", stdin="reader\n\n\n\n\n\nn\nn\n")
    assert not (folder / "llmring.lock").exists()
