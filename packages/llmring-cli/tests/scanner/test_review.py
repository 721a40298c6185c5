"""What is known of the names: status, successor and price."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from llmring import open_registry
from llmring_cli.scanner.names import recognize
from llmring_cli.scanner.review import Judge, Judgement, review
from llmring_cli.scanner.sources import SourceFile

TODAY = date(2026, 11, 29)


def judge(text: str, *, today: date = TODAY, days: int = 90) -> Judgement:
    name = recognize(text)
    assert name is not None
    return Judge(open_registry(), today=today, within_days=days).judge(name, text)


@pytest.mark.parametrize(
    ("text", "status", "line"),
    [
        ("claude-3-haiku-20240307", "retired", "claude-haiku"),
        ("claude-3-opus-20240229", "retired", "claude-opus"),
        ("anthropic/claude-3.5-sonnet", "retired", "claude-sonnet"),
        ("gemini-1.5-pro", "retired", "gemini-"),
        ("text-davinci-003", "retired", None),
        ("anthropic.claude-3-haiku-20240307-v1:0", "retiring", "claude-haiku"),
        ("claude-3-5-sonnet@20240620", "retiring", "claude-sonnet"),
        ("gpt-4-0314", "unlisted", "gpt-"),
        ("gpt-99", "unlisted", None),
        ("gpt-5-2025-08-07", "superseded", "gpt-5"),
        ("gpt-4o-mini", "current", None),
        ("ft:gpt-3.5-turbo:me::1", "current", None),
        ("openai/gpt-oss-120b", "current", None),
        ("mistral-large-latest", "current", None),
        ("llama3:8b", "current", None),
    ],
)
def test_a_name_is_judged_by_the_registry_and_its_successor_is_of_its_line(
    text: str, status: str, line: str | None
) -> None:
    found = judge(text)
    assert found.status == status
    assert (found.successor is None) == (line is None)
    if line is not None:
        assert found.successor is not None
        assert found.successor.model.startswith(line)


@pytest.mark.parametrize(
    ("today", "status"), [(date(2026, 4, 18), "retiring"), (date(2026, 4, 19), "retired")]
)
def test_a_model_is_retiring_before_its_day_and_retired_from_it(
    publish: Callable[..., None], today: date, status: str
) -> None:
    publish(
        {
            "claude-haiku-1": {"deprecated_date": "2026-04-19", "release_date": "2025-01-01"},
            "claude-haiku-2": {"release_date": "2026-01-01"},
        },
        provider="anthropic",
    )
    found = judge("claude-haiku-1", today=today)
    assert (found.status, found.retires_on, str(found.successor)) == (
        status,
        date(2026, 4, 19),
        "anthropic:claude-haiku-2",
    )
    assert judge("claude-haiku-1", today=today, days=1).status == status
    assert judge("claude-haiku-1", today=date(2026, 4, 1), days=1).status == "superseded"


def test_a_cloud_has_days_of_its_own() -> None:
    found = judge("us.anthropic.claude-3-opus-20240229-v1:0")
    assert found.note == "anthropic has retired it; bedrock has days of its own"
    assert judge("claude-3-opus-20240229").note is None


def test_the_price_is_that_of_the_host_else_of_the_vendor() -> None:
    assert (
        judge("bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0").prices.input
        == judge("us.anthropic.claude-sonnet-4-5-20250929-v1:0").prices.input
    )
    assert judge("gpt-4o").prices.input == judge("openrouter/openai/gpt-4o").prices.input
    assert judge("gpt-99").prices.input is None


def test_names_have_the_place_of_what_is_written_also_within_long_strings() -> None:
    text = "cmd = '''\ncurl -d '{\"model\": \"gpt-4o\"}'\n'''\nx = 'gpt-4'  # llmring: ignore\n"
    outcome = review(
        [
            SourceFile(Path("a.py"), text),
            SourceFile(Path("b"), None, "cannot be read"),
            SourceFile(Path("c.py"), ""),
        ],
        Judge(open_registry(), today=TODAY, within_days=90),
    )
    assert [(found.line, found.column, found.text) for found in outcome.found] == [(2, 21, "gpt-4o")]
    assert (outcome.files, outcome.skipped) == (2, ((Path("b"), "cannot be read"),))


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.ini", "x:" * 20_000, "has a line of more than 5,000 characters"),
        ("a.md", f"```java\n{'a ' * 20_000}\n```\n", "has a line of more than 5,000 characters"),
        ("a.c", "  \n" * 12_000, "takes more than 2 s to split"),
    ],
)
def test_a_file_that_was_made_to_take_long_is_left_out_and_named(name: str, text: str, problem: str) -> None:
    others = SourceFile(Path("b.py"), "x = 'gpt-4o'\n")
    file = SourceFile(Path(name), f"{text}\n'gpt-4o'\n")
    outcome = review([file, others], Judge(open_registry(), today=TODAY, within_days=90))
    assert outcome.skipped == ((Path(name), problem),)
    assert [found.path for found in outcome.found] == [Path("b.py")]


def test_a_long_line_of_json_is_read() -> None:
    file = SourceFile(Path("a.json"), '{"a": "' + "x" * 6000 + '", "model": "gpt-4o"}')
    outcome = review([file], Judge(open_registry(), today=TODAY, within_days=90))
    assert [found.text for found in outcome.found] == ["gpt-4o"]
