"""The pytest plugin of llmring: fixtures, cassettes, and a switch that keeps tests off the network.

pytest loads it in every run where llmring is installed, so it imports nothing but pytest: what a test
uses is loaded when it uses it. It works with and without a plugin for async tests.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from llmring import LLMRing
    from llmring.testing import FakeProvider, Recording, Replay, Simulator
    from llmring_lockfile import Lockfile

__all__ = [
    "fake_provider",
    "llmring_cassette",
    "llmring_lockfile",
    "llmring_secrets",
    "llmring_simulator",
    "ring",
]

_OTHER_ENDS = ("llmring_cassette", "llmring_simulator")
"""Fixtures that answer the real providers."""
BROKEN_OFF = pytest.StashKey[str | None]()
"""The exception by which a test has failed or was skipped half-way, so that its cassette need not be used up."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("llmring")
    group.addoption(
        "--llmring-record",
        choices=("none", "once", "all"),
        default="none",
        help="cassettes of llmring: replay them (none), record those that are missing (once), record all of them again (all)",
    )
    group.addoption(
        "--llmring-refuse-network",
        action="store_true",
        help="let no call of llmring leave this machine, except for cassettes that are being recorded",
    )
    parser.addini(
        "llmring_refuse_network",
        "let no call of llmring leave this machine, except for cassettes that are being recorded",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "llmring_cassette(path=None): answer the calls of llmring from a cassette, or record them (--llmring-record); "
        "the path is relative to the test's file, by default cassettes/MODULE/TEST.json",
    )
    config.addinivalue_line(
        "markers", "llmring_network: let calls of llmring leave this machine where that is refused"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function) and item.get_closest_marker("llmring_cassette") is not None:
        item.fixturenames = ["llmring_cassette", *item.fixturenames]  # a new list: others share the old one


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    config = item.config
    if not (config.getoption("llmring_refuse_network") or config.getini("llmring_refuse_network")):
        yield
        return
    from llmring_pytest._network import network_for  # noqa: PLC0415 - only for those who want it

    with network_for(item):
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.excinfo is not None:
        item.stash[BROKEN_OFF] = call.excinfo.typename


@pytest.fixture
def fake_provider(request: pytest.FixtureRequest) -> "Iterator[FakeProvider]":
    """A provider without HTTP that answers "Hello", or what its ``replies`` say, and keeps what it was asked.

    It answers for every ring, those that the application makes itself included; beside the simulator or a cassette, for
    those alone that it is registered with.
    """
    from llmring.testing import FakeProvider, stand_in  # noqa: PLC0415

    fake = FakeProvider()
    if any(each in request.fixturenames for each in _OTHER_ENDS):
        yield fake
        return
    with stand_in(fake):
        yield fake


@pytest.fixture
def llmring_lockfile() -> "Lockfile":
    """The lockfile of ``ring``: the project's own, or one that binds ``default``. Override it for another."""
    from llmring_pytest._rings import lockfile_of_project  # noqa: PLC0415

    return lockfile_of_project()


@pytest.fixture
def ring(request: pytest.FixtureRequest, llmring_lockfile: "Lockfile") -> "LLMRing":
    """A ring with the project's lockfile, whose calls cost nothing.

    All its providers are ``fake_provider``; in a test that uses ``llmring_simulator`` or a cassette, the real ones, as
    answered by these.
    """
    from llmring_pytest import _rings  # noqa: PLC0415

    for other_end in _OTHER_ENDS:
        if other_end in request.fixturenames:
            request.getfixturevalue(other_end)
            return _rings.ring_of_environment(llmring_lockfile)
    return _rings.ring_of(request.getfixturevalue("fake_provider"), llmring_lockfile)


@pytest.fixture
def llmring_simulator(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Simulator]":
    """A simulated host in a thread, to which the base URLs and keys in the environment lead."""
    from llmring.testing import Simulator  # noqa: PLC0415

    with Simulator() as simulator, simulator.answer_others():
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


@pytest.fixture
def llmring_secrets() -> tuple[str, ...]:
    """Values that must not be in a cassette, besides keys. Override it to name some."""
    return ()


@pytest.fixture
def llmring_cassette(
    request: pytest.FixtureRequest, llmring_secrets: tuple[str, ...]
) -> "Iterator[Recording | Replay]":
    """The test's cassette, recorded or replayed. ``@pytest.mark.llmring_cassette`` is the usual way to have it."""
    from llmring_pytest import _cassettes  # noqa: PLC0415

    item = request.node
    record = _cassettes.is_recorded(item)
    with (_cassettes.recorded if record else _cassettes.replayed)(item, llmring_secrets) as cassette:
        yield cassette
