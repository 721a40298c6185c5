"""What the tests of faults share: a simulated host, a ring on it, and a look at what a test leaves behind."""

import gc
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from llmring.testing import Simulator
from loopback import Loopback, Script, StartServer


@pytest.fixture(scope="package")
def running_simulator() -> Iterator[Simulator]:
    """One simulator for all tests, in a thread of its own: the tests' event loops come and go."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    running_simulator.requests.clear()
    return running_simulator


@pytest.fixture
def serve() -> Iterator[StartServer]:
    """Start servers whose every byte the test chooses."""
    with ExitStack() as servers:

        def start(script: Script) -> Loopback:
            return servers.enter_context(closing(Loopback(script)))

        yield start


@pytest.fixture(scope="package")
def tls() -> ssl.SSLContext:
    """Made once, since httpx2 would make one for each ring."""
    return ssl.create_default_context()


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_collect() -> Iterator[None]:
    """Whatever a test left open warns when it is collected, and warnings are errors."""
    yield
    gc.collect()
