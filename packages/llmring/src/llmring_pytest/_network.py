"""The ban on the network, and the tests that it exempts."""

from contextlib import AbstractContextManager, nullcontext

import pytest
from llmring.testing import refuse_network

from llmring_pytest._cassettes import is_recorded


def network_for(item: pytest.Item) -> AbstractContextManager[object]:
    """Return the context in which the test runs: without network, unless it is marked or makes its cassette."""
    if item.get_closest_marker("llmring_network") is not None:
        return nullcontext()
    if item.get_closest_marker("llmring_cassette") is not None and is_recorded(item):
        return nullcontext()
    return refuse_network()
