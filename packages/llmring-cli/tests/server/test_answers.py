"""server stats, logs and conversations."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from usage_server import UsageServer

Run = Callable[..., tuple[int, str, str]]
Answering = Callable[[int, object], str]


@pytest.mark.usefixtures("usage_server")
@pytest.mark.parametrize(
    ("by", "table"),
    [
        ("model", "gpt-4o-mini\t2\t1,010\t202\t$0.3750\nclaude-haiku-4-5\t1\t5\t1\t$0.5000\n"),
        ("alias", "fast\t1\t1,000\t200\t$0.2500\n"),
        ("origin", "my-app\t1\t$0.2500\n"),
        ("day", "2026-11-22\tgpt-4o-mini\t2\t$0.3750\n"),
    ],
)
def test_statistics_are_shown_as_the_server_has_them(llmring: Run, by: str, table: str) -> None:
    code, out, err = llmring("server", "stats", "--by", by, "--since", "2026-11-01")
    assert (code, out, err) == (0, table, "3 calls, $0.8750, 1,218 tokens\n")


@pytest.mark.usefixtures("usage_server")
def test_json_is_the_servers_own_answer(llmring: Run) -> None:
    assert (
        json.loads(llmring("server", "stats", "--json")[1])["by_model"]["gpt-4o-mini"]["cost"] == "0.37500000"
    )
    assert len(json.loads(llmring("server", "logs", "--json")[1])) == 3


@pytest.mark.usefixtures("usage_server")
def test_calls_are_listed_the_newest_first(llmring: Run) -> None:
    code, out, _ = llmring("server", "logs", "--limit", "2")
    assert code == 0
    assert [line.split("\t")[1:] for line in out.splitlines()] == [
        ["anthropic:claude-haiku-4-5", "-", "-", "5", "1", "$0.5000"],
        ["openai:gpt-4o-mini", "-", "-", "10", "2", "$0.1250"],
    ]


@pytest.mark.usefixtures("usage_server")
def test_calls_as_csv_have_a_heading(llmring: Run) -> None:
    (row,) = csv.DictReader(io.StringIO(llmring("server", "logs", "--alias", "fast", "--csv")[1]))
    assert (row["model"], row["origin"], row["cost"]) == ("gpt-4o-mini", "my-app", "0.25")


def test_the_server_is_asked_only_what_was_asked_for(llmring: Run, usage_server: UsageServer) -> None:
    llmring(
        "server",
        "logs",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-22T10:00",
        "--offset",
        "1",
        "--origin",
        "a",
    )
    (asked,) = usage_server.asked
    assert asked.query == {
        "limit": "50",
        "offset": "1",
        "origin": "a",
        "start_date": "2026-11-01",
        "end_date": "2026-11-22T10:00:00+00:00",
    }


@pytest.mark.usefixtures("usage_server")
def test_a_conversation_is_listed_and_shown_without_the_key(llmring: Run) -> None:
    code, out, _ = llmring("server", "conversations")
    assert code == 0
    identifier, title, _, messages, cost = out.rstrip().split("\t")
    assert (title, messages, cost) == ("fast conversation", "3", "$0.2500")
    code, out, _ = llmring("server", "conversations", identifier, "--messages")
    assert code == 0
    assert out.endswith("\nsystem: Be brief.\n\nuser: Hi\n\nassistant: Hello [1 tool call]\n")
    out = llmring("server", "conversations", identifier, "--messages", "--json")[1]
    assert [row["role"] for row in json.loads(out)["messages"]] == ["system", "user", "assistant"]
    assert "llmr_pk_" not in out


@pytest.mark.usefixtures("usage_server")
def test_another_keys_rows_are_not_seen(llmring: Run) -> None:
    assert llmring("server", "logs", "--api-key", "other") == (0, "", "no calls\n")
    assert llmring("server", "conversations", "--api-key", "other") == (0, "", "no conversations\n")


@pytest.mark.usefixtures("usage_server")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("conversations", "8590dad7-e838-4ada-bf74-3c545e0eac30"), "404"),
        (("conversations", "../log"), "not the id of a conversation"),
        (("conversations", "--messages"), "needs the id"),
        (("stats", "--api-key", "two words"), "without spaces"),
    ],
)
def test_what_the_server_does_not_take_is_an_error(
    llmring: Run, arguments: tuple[str, ...], error: str
) -> None:
    code, out, err = llmring("server", *arguments)
    assert (code, out) == (1, "")
    assert error in err


@pytest.mark.parametrize("command", ["stats", "logs", "conversations"])
def test_each_says_what_is_missing(llmring: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = llmring("server", command)
    assert code == 1
    assert "llmring server init" in err
    monkeypatch.setenv("LLMRING_SERVER_URL", "http://127.0.0.1:9")
    code, _, err = llmring("server", command)
    assert code == 1
    assert "LLMRING_API_KEY" in err
    monkeypatch.setenv("LLMRING_API_KEY", "any")
    code, _, err = llmring("server", command)
    assert code == 3
    assert "cannot be reached" in err


@pytest.mark.parametrize("command", ["stats", "logs", "conversations"])
def test_another_service_is_no_usage_server(llmring: Run, answering: Answering, command: str) -> None:
    for answer in ("text", [1], {"summary": 1}, [{"id": 1}]):
        code, out, err = llmring("server", command, "--server", answering(200, answer), "--api-key", "any")
        assert (code, out) == (1, "")
        assert err.startswith("error: ")


@pytest.mark.usefixtures("usage_server")
def test_the_forms_of_the_original_are_kept(llmring: Run, tmp_path: Path) -> None:
    assert llmring("server", "logs", "--output", "csv")[1] == llmring("server", "logs", "--csv")[1]
    assert llmring("server", "logs", "--output", "json")[1] == llmring("server", "logs", "--json")[1]
    assert llmring("server", "logs", "--output", "table")[1] == llmring("server", "logs")[1]
    for name in ("rows.csv", "rows.json"):
        code, out, err = llmring("server", "logs", "--output-file", str(tmp_path / name))
        assert (code, out, err) == (0, "", f"wrote 3 rows to {tmp_path / name}\n")
    assert (tmp_path / "rows.csv").read_text() == llmring("server", "logs", "--csv")[1]
    assert json.loads((tmp_path / "rows.json").read_text()) == json.loads(
        llmring("server", "logs", "--json")[1]
    )


@pytest.mark.usefixtures("usage_server")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("logs", "--csv", "--json"), "csv, json: give one form"),
        (("logs", "--output", "table", "--output-file", "rows"), "a file takes JSON or CSV"),
        (("stats", "--by", "alias", "--group-by", "week"), "give one of them"),
    ],
)
def test_contradictions_are_refused(llmring: Run, arguments: tuple[str, ...], problem: str) -> None:
    code, _, err = llmring("server", *arguments)
    assert code == 1
    assert problem in err


@pytest.mark.usefixtures("usage_server")
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_the_server_sums_up_by_the_period_asked_for(llmring: Run, period: str) -> None:
    code, out, _ = llmring("server", "stats", "--group-by", period)
    assert code == 0
    assert out.startswith("2026-11-22\t")
