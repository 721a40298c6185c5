"""The page in a real browser: signing in, charts, a streamed answer, a narrow screen, and nothing from elsewhere."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from browsers import window
from gateways import listening, ring_of
from llmring.serve import KeyStore, PageServer, app
from llmring.usage import UsageLog
from llmring_cli.page.sessions import Sessions
from llmring_cli.page.site import Site
from llmring_cli.page.views import Sources, Views
from llmring_lockfile import Lockfile
from llmring_providers.sim import Answer, Rule, faults
from llmring_types import ModelRef
from playwright.sync_api import Browser, Page, expect
from records import record

pytestmark = pytest.mark.browser

NOON = 1_795_348_800.0
"""2026-11-22, 12:00 UTC."""
DAY_S = 86_400.0
TOKEN = "a-token-of-a-test-0123456789"
ANSWER = "<b>Good</b> morning<img src=x onerror=alert(1)> to you"


CALLS = (("fast", "small", 0.5), ("safe", "good", 1.0), ("fast", "small", 0.25))
"""Alias, model and dollars of one call a day, up to that day."""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """The address of a gateway with a known log, before the simulator."""
    rules = (
        Rule(model="bad", fault=faults.Status(status=500)),
        Rule(answer=Answer(text=ANSWER, chunk_size=5)),
    )
    ring = ring_of(*rules)
    with KeyStore(tmp_path / "keys.db") as keys:
        sources = Sources(
            log=known_log(tmp_path / "usage.db"), lockfile=lambda: ring.lockfile, keys=keys, serves=True
        )
        with listening(app(ring, keys=keys, page=site(sources))) as url:
            yield url


def known_log(path: Path) -> Path:
    log = UsageLog(path)
    for number, (alias, model, cost) in enumerate(CALLS):
        log(
            record(
                id=str(number),
                started_at=NOON - (len(CALLS) - 1 - number) * DAY_S,
                alias=alias,
                model=ModelRef("sim", model),
                usage={"prompt_tokens": 100, "completion_tokens": 20, "cost": cost},
            )
        )
    log.close()
    return path


def site(sources: Sources) -> Site:
    """Return the page as it is at noon of the last day of the log."""
    return Site(Views(sources, clock=lambda: datetime.fromtimestamp(NOON, UTC)), Sessions(TOKEN))


def sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/page/sign-in")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.wait_for_load_state("load")  # with its style sheet


def ask(page: Page, model: str) -> None:
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()


def test_one_signs_in_and_sees_the_charts_of_the_log(browser: Browser, base: str) -> None:
    with window(browser, base, "page") as page:
        sign_in(page, base)
        expect(page.locator(".total")).to_contain_text("$1.75 for 3 calls")
        for label in ("Dollars by day", "Dollars by alias", "Dollars by model", "Dollars by key"):
            expect(page.get_by_role("img", name=label)).to_be_visible()
        columns = page.locator(".series.columns rect")
        heights = columns.evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
        dearest = max(heights)
        assert [round(height / dearest, 2) for height in heights[-4:]] == [0, 0.5, 1, 0.25]
        fill = columns.last.evaluate("each => getComputedStyle(each).fill")
        assert fill == "rgb(36, 89, 184)"  # the style sheet's: the policy has let it in


def test_an_answer_is_streamed_as_text(browser: Browser, base: str) -> None:
    with window(browser, base, "answer") as page:
        sign_in(page, base)
        ask(page, "safe")
        expect(page.locator("#ask-state")).to_have_text("Answered by sim:good.")
        expect(page.locator("#answer")).to_have_text(ANSWER)
        assert page.locator("#answer *").count() == 0
        page.reload()
        page.locator("#live summary").click()
        expect(page.get_by_text("sim:bad: error, status 500")).to_be_visible()


def test_a_key_is_created_used_and_revoked(browser: Browser, base: str) -> None:
    with window(browser, base, "keys") as page:
        sign_in(page, base)
        page.get_by_label("Name", exact=True).fill("<i>mine</i>")
        page.get_by_label("Budget").fill("2/day")
        page.get_by_role("button", name="Create key").click()
        secret = page.locator(".notice code").inner_text()
        page.get_by_label("Key of this gateway").fill(secret)
        ask(page, "fast")
        expect(page.locator("#answer")).to_have_text(ANSWER)
        page.get_by_role("button", name="Revoke").click()
        expect(page.locator("#keys")).to_contain_text("revoked 2")
        expect(page.locator("#keys")).to_contain_text("<i>mine</i>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(
    browser: Browser, base: str, scheme: Literal["light", "dark"]
) -> None:
    with window(browser, base, f"phone-{scheme}", width=360, scheme=scheme) as page:
        sign_in(page, base)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]


def test_the_keyboard_alone_gets_an_answer(browser: Browser, base: str) -> None:
    with window(browser, base, "keyboard") as page:
        page.goto(f"{base}/?token={TOKEN}")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.get_by_label("Message").focus()
        page.keyboard.type("Hello")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#answer")).to_have_text(ANSWER)


def test_the_page_alone_has_charts_and_no_playground(browser: Browser, tmp_path: Path) -> None:
    sources = Sources(log=known_log(tmp_path / "usage.db"), lockfile=Lockfile)
    with listening(PageServer(site(sources))) as base, window(browser, base, "ui") as page:
        page.goto(f"{base}/?token={TOKEN}")
        assert page.url == f"{base}/"
        expect(page.locator(".total")).to_contain_text("$1.75 for 3 calls")
        assert page.locator("#playground").count() == 0
