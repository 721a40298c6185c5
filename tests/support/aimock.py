"""aimock, a server that other people wrote, speaking every provider's protocol on one port.

It is an npm package (MIT, https://github.com/CopilotKit/aimock), pinned in ``tests/interop/aimock``; ``npm ci`` in that
folder installs it. A file of fixtures says what it answers to which message.
"""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

import pytest

FOLDER = Path(__file__).parents[1] / "interop" / "aimock"
_SERVER = FOLDER / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
_LISTENING = re.compile(r"listening on (http://\S+)")
_PATIENCE_S = 30.0


class Aimock:
    """A process of aimock while it is entered. Its tests are skipped, or fail under CI, where it is not installed.

    Args:
        fixtures: the file that scripts it.
        folder: where it writes its log.

    Attributes:
        url: its address, without a path.
    """

    def __init__(self, fixtures: Path, folder: Path) -> None:
        self.url = ""
        self._fixtures = fixtures
        self._log = folder / "aimock.log"

    def __enter__(self) -> Self:
        options = ("--port", "0", "--fixtures", str(self._fixtures), "--validate-on-load", "--strict")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [_node(), str(_SERVER), *options], env={}, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self.url = self._listening()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make llmring, in this process or another, talk to it."""
        return {
            "OPENAI_API_KEY": "sk-made-up",
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_API_KEY": "sk-made-up",
            "ANTHROPIC_BASE_URL": self.url,
            "GOOGLE_GEMINI_API_KEY": "made-up",
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "OLLAMA_BASE_URL": self.url,
        }

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of all requests so far, in the form of OpenAI's chat completions whatever the protocol was."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal") as answer:  # noqa: S310 - loopback
            return [entry["body"] for entry in json.load(answer)]

    def _listening(self) -> str:
        deadline = time.monotonic() + _PATIENCE_S
        while (found := _LISTENING.search(self._log.read_text())) is None:
            try:
                code = self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, f"aimock does not listen:\n{self._log.read_text()}"
            else:
                raise AssertionError(f"aimock ended with {code}:\n{self._log.read_text()}")
        return found[1]


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("aimock needs node, which is not installed")
    if not _SERVER.is_file():
        reason = f"aimock is not installed: run `npm ci` in {FOLDER.relative_to(FOLDER.parents[2])}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return node
