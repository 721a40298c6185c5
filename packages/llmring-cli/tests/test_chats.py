"""chats: the saved conversations."""

import json
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring import LLMRing, Message
from llmring.content import document, image
from llmring.conversation import Conversation
from llmring_cli.chat.saved import find, open_store, topic_of
from llmring_types import tool_call

Run = Callable[..., tuple[int, str, str]]
PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.fixture
def talks(folder: Path) -> list[str]:
    """Two conversations: one of this folder about the moon, then one of elsewhere about the sun."""
    moon = Conversation(
        LLMRing(),
        "fast",
        messages=[
            Message.system("Be brief."),
            Message.user("What is the moon made of?", image(PNG, media_type="image/png")),
            Message.assistant(tool_calls=[tool_call("1", "look", '{"at": "moon"}')]),
            Message.tool("1", "# grey\n\ndust", name="look"),
            Message.assistant("Of *cheese*."),
        ],
    )
    sun = Conversation(LLMRing(), None, messages=[Message.user("Is the sun cold?\nOr hot?")])
    sun.append(Message(role="assistant", content="By no", metadata={"cut": True}))
    store = open_store()
    return [
        store.save(moon, "aaaa1", topic=topic_of(folder)),
        store.save(sun, "aabb2", topic="/elsewhere", title="Heat\x1b[2J"),
    ]


MARKDOWN = """\
# What is the moon made of?

aaaa1 · fast · DATE · 5 messages · $0.00

## Instructions

Be brief.

## You

What is the moon made of?

[image: image/png, 12 bytes]

## Model

[calls look({"at": "moon"})]

## Tool look

> # grey
>
> dust

## Model

Of *cheese*.
"""


@pytest.mark.usefixtures("talks")
def test_the_list_begins_with_what_changed_last(llmring: Run) -> None:
    code, out, err = llmring("chats", "list")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("aabb2", "Heat\\x1b[2J", "2"),
        ("aaaa1", "What is the moon made of?", "5"),
    ]
    assert llmring("chats", "list", "-n", "1")[1].startswith("aabb2")
    assert llmring("chats", "list", "--here")[1].startswith("aaaa1")


def test_an_empty_list_says_how_to_begin(llmring: Run) -> None:
    assert llmring("chats", "list") == (0, "", "no conversation is saved; to begin one: llmring chat\n")


@pytest.mark.usefixtures("talks")
def test_a_conversation_is_shown_as_markdown(llmring: Run) -> None:
    code, out, _ = llmring("chats", "show", "aaa")
    first, second, about, rest = out.split("\n", 3)
    assert code == 0
    shown = "\n".join([first, second, about.replace(about.split(" · ")[2], "DATE"), rest])
    assert shown == MARKDOWN
    assert llmring("chats", "export", "aaa")[1] == out


@pytest.mark.usefixtures("talks")
def test_a_cut_answer_is_marked_and_nothing_steers_the_terminal(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "## Model (cut off)\n\nBy no\n" in llmring("chats", "show")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = llmring("chats", "show")[1]
    assert "Model (cut off)" in out
    assert "Is the sun cold?\nOr hot?\n" in re.sub(" +\n", "\n", out)
    assert "## " not in out
    assert "\x1b[2J" not in out


@pytest.mark.usefixtures("talks")
def test_a_search_shows_the_place(llmring: Run) -> None:
    code, out, _ = llmring("chats", "search", "MOON", "cheese")
    assert (code, out.split("\t")[0]) == (0, "aaaa1")
    assert "*[cheese]*" in out
    code, out, err = llmring("chats", "search", "zebra")
    assert (code, out, err) == (1, "", "no conversation has all of these words\n")
    assert llmring("chats", "search")[0] == 2


@pytest.mark.usefixtures("talks")
def test_an_export_is_a_private_file_with_everything(llmring: Run, folder: Path) -> None:
    assert llmring("chats", "export", "aaaa1", "--format", "json", "-o", "talk.json") == (0, "", "")
    talk = json.loads((folder / "talk.json").read_bytes())
    assert (talk["id"], talk["count"], talk["folder"]) == ("aaaa1", 5, str(folder.resolve()))
    assert talk["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert stat.S_IMODE((folder / "talk.json").stat().st_mode) == 0o600
    lines = llmring("chats", "export", "aaaa1", "--format", "jsonl")[1].splitlines()
    assert [json.loads(line)["role"] for line in lines] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_parts_without_text_are_named_by_type_and_size(llmring: Run) -> None:
    parts = [
        document(b"%PDF-1.7 rest", media_type="application/pdf"),
        {"type": "document", "source": {"type": "url", "url": "https://x/y.pdf"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "input_audio", "input_audio": {}},
    ]
    open_store().save(Conversation(LLMRing(), messages=[Message.user(*parts)]))
    lines = llmring("chats", "show")[1].split("\n\n")
    assert lines[0] == "# Without a title"
    assert [line.strip() for line in lines[3:]] == [
        "[application/pdf: 13 bytes]",
        "[document: https://x/y.pdf]",
        "[image: https://x/y.png]",
        "[input_audio]",
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show",), "there is no conversation\n"),
        (("show", "zz"), "there is no conversation 'zz'; to see them: llmring chats list\n"),
        (("continue",), 'chats continue needs a terminal; without one: llmring chat --continue "…"\n'),
        (("rm",), "chats rm needs the id of a conversation, or --all\n"),
        (("rm", "x", "--all"), "chats rm needs the id of a conversation, or --all\n"),
    ],
)
def test_a_conversation_that_is_not_there_is_one_error(
    llmring: Run, arguments: tuple[str, ...], problem: str
) -> None:
    assert llmring("chats", *arguments)[2] == f"error: {problem}"


@pytest.mark.usefixtures("talks")
def test_an_ambiguous_id_names_what_it_could_be(llmring: Run) -> None:
    assert llmring("chats", "show", "aa")[2] == (
        "error: 2 conversations begin with 'aa': aabb2, aaaa1; write more of the id\n"
    )


@pytest.mark.usefixtures("talks")
def test_removing_asks_unless_told(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "needs --yes" in llmring("chats", "rm", "aaaa1", stdin="y\n")[2]
    assert find(open_store(), "aaaa1").id == "aaaa1"
    assert llmring("chats", "rm", "aaaa1", "aaa", "--yes") == (0, "", "removed 1 conversation\n")
    assert llmring("chats", "rm", "--all", "-y") == (0, "", "removed 1 conversation\n")
    assert llmring("chats", "rm", "--all", "-y") == (0, "", "nothing was removed\n")
