"""The reports of commands, opened as files in a real browser: light, dark and narrow, with no request and no error."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from browsers import window
from llmring import ModelRef
from llmring.usage import UsageLog
from llmring_cli import run
from llmring_cli.page.reports import write_report
from llmring_cli.trial.shown import measure_rows
from llmring_cli.trial.trial import Answer, Pair, Trial, measures
from playwright.sync_api import Browser, expect
from records import record

pytestmark = pytest.mark.browser

NOON = 1_795_348_800.0
"""2026-11-22, 12:00 UTC."""
EVIL = "<img src=x onerror=alert(1)>"
LONG = "a-very-long-name-of-an-alias-or-a-model-that-nobody-would-choose" * 2


def usage(folder: Path) -> Path:
    log = UsageLog(folder / "usage.db")
    for number, alias in enumerate(("fast", "safe", EVIL, LONG)):
        used = {"prompt_tokens": 100, "completion_tokens": 20, "cost": 0.5 + number}
        log(record(id=str(number), started_at=NOON - number * 86_400, alias=alias, usage=used))
    log.close()
    path = folder / "usage.html"
    by_alias = ("--by", "alias", "--html", str(path), "--svg", str(folder / "usage.svg"))
    assert run(["stats", "--log", str(folder / "usage.db"), *by_alias]) == 0
    return path


def audit(folder: Path) -> Path:
    path = folder / "audit.html"
    lockfile = ("-f", str(folder / "llmring.lock"))
    run(["bind", "fast", "anthropic:claude-3-haiku-20240307", *lockfile])
    run(["bind", LONG, f"openai:{EVIL}", *lockfile])
    run(["lock", "audit", "--offline", *lockfile, "--html", str(path)])
    return path


def diff(folder: Path) -> Path:
    path = folder / "diff.html"
    run(["bind", "fast", "openai:gpt-5", "-f", str(folder / "old.lock")])
    run(["bind", "fast", f"openai:{LONG}", "-f", str(folder / "llmring.lock")])
    command = ["lock", "diff", str(folder / "old.lock"), "-f", str(folder / "llmring.lock")]
    assert run([*command, "--html", str(path)]) == 0
    return path


def trial(folder: Path) -> Path:
    path = folder / "trial.html"
    answer = Answer(text="The same answer.", seconds=0.5, cost=0.001)
    pairs = (
        Pair(
            key="tests:1",
            prompt=f"Where is {EVIL}? " * 20,
            has_schema=True,
            has_tools=False,
            old=Answer(text=f"In {EVIL} {LONG}", fits=True, seconds=0.5, cost=0.001),
            new=Answer(error=f"ProviderServerError: {EVIL}"),
        ),
        Pair(key="tests:2", prompt="Hi", has_schema=False, has_tools=False, old=answer, new=answer),
    )
    tried = Trial(
        model=ModelRef("openai", "gpt-5"),
        successor=ModelRef("openai", "gpt-6"),
        pairs=pairs,
        measures=measures(pairs, {"schema": 100.0}),
    )
    write_report(path, "report-trial.html", title="Trial of successors", trials=[tried], rows_of=measure_rows)
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
@pytest.mark.parametrize("make", [usage, audit, diff, trial])
def test_a_report_is_one_file_that_fits_the_screen(
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Path],
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    with window(
        browser,
        path.as_uri().rpartition("/")[0],
        f"report-{make.__name__}-{width}-{scheme}",
        width=width,
        scheme=scheme,
    ) as page:
        page.goto(path.as_uri())
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("table").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("img").count() == 0
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") == (scheme == "light")
        if make is usage:
            expect(page.get_by_role("img", name="Dollars by alias")).to_be_visible()
        if make is trial:
            expect(page.get_by_text("The same answer.").first).not_to_be_visible()
            page.get_by_text("Answers that are the same").click()
            expect(page.get_by_text("The same answer.").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_of_a_chart_has_its_colours(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: Literal["light", "dark"]
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = usage(tmp_path).with_suffix(".svg")
    path = tmp_path / "around.html"  # Chromium takes no screenshot of a picture that is alone
    path.write_text(f"<!doctype html><title>Chart</title>{picture.read_text()}")
    with window(browser, path.parent.as_uri(), f"report-svg-{scheme}", scheme=scheme) as page:
        page.goto(path.as_uri())
        bar = page.locator(".series rect").first
        expect(bar).to_be_visible()
        colour = bar.evaluate("node => getComputedStyle(node).fill")
        assert colour == ("rgb(36, 89, 184)" if scheme == "light" else "rgb(134, 176, 255)")
