"""Reports as files: whole HTML without script or request, and nothing of the repository as markup."""

import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from llmring.usage import UsageLog
from records import record

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]
VOID = {"meta", "link", "br", "input"}
EVIL = "<img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Holds that every element is closed, and collects what a report must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "style"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(path: Path) -> str:
    """Return a report's text, after looking at its markup."""
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert reader.addresses == []
    assert not {"script", "img", "link", "iframe"} & set(reader.seen)
    assert "url(" not in text
    assert "default-src 'none'" in text
    return text


@pytest.mark.usefixtures("usage_log")
def test_usage_is_a_chart_and_a_table(llmring: Run, folder: Path) -> None:
    code, out, _ = llmring("stats", "--by", "day", "--html", "usage.html")
    text = read(folder / "usage.html")
    assert code == 0
    assert out
    assert 'role="img"' in text
    assert [day in text for day in ("2026-11-20", "2026-11-21", "2026-11-22")] == [True, False, True]
    assert ">11-21<" in text  # in the chart a day without calls has its place
    assert "4 calls" in text


@pytest.mark.usefixtures("usage_log")
def test_groups_are_bars_the_dearest_on_top(llmring: Run, folder: Path) -> None:
    llmring("stats", "--by", "alias", "--by", "model", "--html", "usage.html", "--json")
    text = read(folder / "usage.html")
    assert "Dollars by alias and model" in text
    assert "fast / ollama:llama3:8b" in text
    assert "- / anthropic:claude-haiku-4-5" in text


@pytest.mark.usefixtures("usage_log")
def test_the_chart_is_a_picture_of_its_own(llmring: Run, folder: Path) -> None:
    llmring("stats", "--svg", "usage.svg")
    root = ET.fromstring((folder / "usage.svg").read_text())  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == "Dollars by model; the table below has the figures"
    assert root.get("viewBox")


@pytest.mark.usefixtures("usage_log")
def test_without_calls_there_is_a_report_and_no_picture(llmring: Run, folder: Path) -> None:
    nobody = ("stats", "--origin", "nobody")
    for groups in ((), ("--by", "day")):
        assert llmring(*nobody, *groups, "--html", "usage.html")[0] == 0
        assert "No calls." in read(folder / "usage.html")
    code, _, err = llmring(*nobody, "--svg", "usage.svg")
    assert (code, err) == (1, "error: there are no calls to draw, so usage.svg is not written\n")
    assert not (folder / "usage.svg").exists()


def test_days_years_apart_are_drawn_without_those_between(
    llmring: Run, usage_log: Path, folder: Path
) -> None:
    log = UsageLog(usage_log)
    log(record(id="old", started_at=1.0, usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": 1.0}))
    log.close()
    llmring("stats", "--by", "day", "--html", "usage.html")
    text = read(folder / "usage.html")
    assert "1970-01-01" in text
    assert ">11-21<" not in text


def test_findings_of_an_audit_are_a_table(llmring: Run, publish: Publish, folder: Path) -> None:
    publish({"gpt-5": {}})
    llmring("bind", "fast", "openai:gpt-5")
    llmring("lock", "update")
    assert llmring("lock", "audit", "--html", "audit.html")[0] == 0
    assert "Nothing has got worse" in read(folder / "audit.html")
    publish({"gpt-5": {"is_active": False, "dollars_per_million_tokens_input": 9}}, version=8)
    assert llmring("lock", "audit", "--html", "audit.html")[0] == 1
    text = read(folder / "audit.html")
    assert '<span class="tag error">error</span>' in text
    assert "profiles.default.bindings[0]" in text
    assert "openai:gpt-5" in text


def test_changes_of_a_lockfile_are_a_table_and_names_are_text(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "openai:gpt-5", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-6")
    llmring("bind", EVIL, f"openai:{EVIL}")
    llmring("lock", "diff", "old.lock", "--html", "diff.html")
    text = read(folder / "diff.html")
    assert "openai:gpt-5" in text
    assert "&lt;img src=x" in text
    llmring("lock", "diff", "llmring.lock", "--html", "diff.html")
    assert "has no changes since" in read(folder / "diff.html")


def words_of(path: Path) -> list[str]:
    """Return the lines of a picture of text."""
    root = ET.fromstring(path.read_text())  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "url(" not in path.read_text()
    return [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_findings_and_changes_are_pictures_too(llmring: Run, publish: Publish, folder: Path) -> None:
    publish({"gpt-5": {}})
    llmring("bind", "fast", "openai:gpt-5", "-f", "old.lock")
    llmring("bind", "fast", "openai:gpt-5")
    llmring("bind", EVIL, f"openai:{EVIL}")
    llmring("lock", "update")
    publish({"gpt-5": {"is_active": False}}, version=8)
    llmring("lock", "audit", "--svg", "audit.svg")
    llmring("lock", "diff", "old.lock", "--svg", "diff.svg")
    title, _, head, *findings = words_of(folder / "audit.svg")
    assert title.startswith("Audit of llmring.lock: ")
    assert head.split() == ["severity", "rule", "finding"]
    assert any(line.startswith("error") and "openai:gpt-5" in line for line in findings)
    changes = words_of(folder / "diff.svg")
    assert changes[0] == "Changes of llmring.lock since old.lock"
    assert any(EVIL in line for line in changes)


def test_a_report_replaces_no_link_out_of_the_folder(
    llmring: Run, folder: Path, tmp_path_factory: Any
) -> None:
    victim = tmp_path_factory.mktemp("outside") / "victim.html"
    victim.write_text("mine")
    (folder / "diff.html").symlink_to(victim)
    llmring("bind", "fast", "openai:gpt-5")
    llmring("lock", "diff", "llmring.lock", "--html", "diff.html")
    assert victim.read_text() == "mine"


def test_without_the_extra_it_is_named(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "leather", None)
    llmring("bind", "fast", "openai:gpt-5")
    code, _, err = llmring("lock", "diff", "llmring.lock", "--html", "diff.html")
    assert (code, err) == (1, "error: a report needs an extra: pip install 'llmring-cli[ui]'\n")
