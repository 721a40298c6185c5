"""One browser for the tests of a module."""

from collections.abc import Iterator

import pytest
from browsers import find_browser
from playwright.sync_api import Browser, expect, sync_playwright

expect.set_options(timeout=30_000)  # milliseconds: a busy machine is no failure


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Its sandbox needs user namespaces, which containers that run as root do not have.
        launched = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield launched
        launched.close()
