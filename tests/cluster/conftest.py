"""A simulated host for the workers of a cluster."""

from collections.abc import Iterator

import pytest
from llmring.testing import Simulator
from workers import SCRIPT


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Answer with a city after 20 ms, and row 13 with none."""
    with Simulator(SCRIPT) as simulator:
        yield simulator
