"""What goes to people."""

import io
import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path

import llmring_cli
import pytest
from llmring_cli._output import (
    linked,
    print_json,
    print_json_line,
    print_line,
    printable,
    report,
    report_logs,
    write_exact,
)

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
)
def test_what_kind_of_talk_it_is_has_a_colour_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    environment: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    report("error: no, it says")
    report("wrote llmring.lock: done")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("\x1b[1;31merror:\x1b[0m no" if coloured else "error: no")
    assert second == "wrote llmring.lock: done"


@pytest.mark.parametrize("columns", ["0", "1", "-5", "many", ""])
@pytest.mark.parametrize(
    "arguments", [("--help",), ("chat", "--help"), ("providers",), ("doctor",)], ids=" ".join
)
def test_a_width_that_cannot_be_is_none(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, columns: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: arguments[-1] != "--help")
    code, out, _ = llmring(*arguments)
    assert code == 0
    assert out


STEERING = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e",
]
STEERING += [*"\u2066\u2067\u2068\u2069", "\udc80", "\udcff"]


@pytest.mark.parametrize(
    "character", sorted({*STEERING} - {"\n", "\t", "\r"}), ids=lambda text: f"{ord(text):04x}"
)
def test_a_character_that_steers_becomes_one_that_can_be_seen(
    character: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"
    assert printable(f"a{character}b") == f"a{seen}b"
    print_json({"name": f"a{character}b"})
    text = capsys.readouterr().out
    assert character not in text.replace("\n", "")
    assert json.loads(text) == {"name": f"a{character}b"}


def test_text_of_any_script_stays_as_it_is() -> None:
    text = "résumé עברית 日本語 👩‍👩‍👧 [red]not markup[/red]\n\tindented\n"
    assert printable(text) == text
    assert printable("two\r\nlines\r\n") == "two\nlines\n"


def test_a_name_cannot_look_like_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("a\nerror: b")
    report("a\nerror: b")
    assert capsys.readouterr() == ("a\\nerror: b\n", "a error: b\n")


@pytest.mark.parametrize("end", ["\n", "\x85", "\u2028", "\u2029"])
def test_no_line_end_of_unicode_splits_a_line_for_programs(
    end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_line(f"a{end}b")
    print_json_line({"name": f"a{end}b"})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert json.loads(lines[1]) == {"name": f"a{end}b"}


@pytest.mark.parametrize(("terminal", "shown"), [(True, "\\x1b[2J\n"), (False, "\x1b[2J\r\n")])
def test_text_for_other_programs_is_exact_but_not_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool, shown: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    write_exact("\x1b[2J\r\n")
    assert capsys.readouterr().out == shown


def test_what_libraries_log_is_a_line_like_all_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    report_logs()
    record = logging.LogRecord("x", logging.WARNING, "", 1, "the host said %s", ("\x9b2J\nerror: no",), None)
    assert logging.lastResort is not None
    logging.lastResort.handle(record)
    assert capsys.readouterr().err == "warning: the host said \\x9b2J error: no\n"


def test_nothing_is_printed_but_by_the_functions_that_make_it_printable() -> None:
    """Rich and prompt_toolkit get text that was made printable before; they are named here."""
    folder = Path(llmring_cli.__file__).parent
    found = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if re.search(r"(?<![\w.])print\(|std(out|err)\.write\(|[^n]Console\(|prompt_async", path.read_text())
    }
    assert found == {
        "_app.py",
        "_bulk.py",
        "_output.py",
        "_run.py",
        "_table.py",
        "_waiting.py",
        "chat/screen.py",
        "chat/terminal.py",
        "chat/answer.py",
    }


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_addresses_are_links_on_terminals_that_take_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = "see (https://example.com/a?b=1), or not"
    assert linked(text, _Terminal()) == text
    monkeypatch.setenv("KITTY_WINDOW_ID", "1")
    address = "https://example.com/a?b=1"
    link = f"\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\"
    assert linked(text, _Terminal()) == f"see ({link}), or not"
    assert linked(text, io.StringIO()) == text
    monkeypatch.setenv("TERM", "dumb")
    assert linked(text, _Terminal()) == text
