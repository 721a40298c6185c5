"""The documentation in a real browser, wide and narrow: no page is cut, complains or asks another host."""

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import window
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("index", "benchmarks", "hosts", "how-to/streams", "reference/commands")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, built anew."""
    built = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", DOCS, built], check=True)
    handler = functools.partial(_Quiet, directory=built)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window(browser: Browser, base: str, name: str, width: int) -> None:
    with window(browser, base, f"site-{name.replace('/', '-')}-{width}", width=width) as page:
        page.goto(f"{base}/{name}.html")
        expect(page.locator("h1").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth)")


def test_the_search_finds_a_page(browser: Browser, base: str) -> None:
    with window(browser, base, "site-search") as page:
        page.goto(f"{base}/index.html")
        page.get_by_label("Search").first.fill("hedging")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Timeouts, retries and failover").last).to_be_visible()
