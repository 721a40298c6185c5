"""The browser that tests of pages drive."""

import shutil


def find_browser() -> str | None:
    """Return the path of Chromium, or of Chrome, which GitHub's machines have; ``None`` where there is neither."""
    return shutil.which("chromium") or shutil.which("google-chrome")
