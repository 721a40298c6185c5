"""The browser that tests of pages drive, and its windows."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


def find_browser() -> str | None:
    """Return the path of Chromium, or of Chrome, which GitHub's machines have; ``None`` where there is neither."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def window(
    browser: "Browser",
    base: str,
    name: str,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator["Page"]:
    """Open a window; at its end keep a picture of it, and hold that it has done nothing that it should not."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    with closing(context):
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: problems.append(request.url) if _is_foreign(request.url, base) else None,
        )
        yield page
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    assert not problems, problems


def _is_foreign(url: str, base: str) -> bool:
    return not url.startswith(f"{base}/")
