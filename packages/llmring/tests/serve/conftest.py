"""The store of keys, of both kinds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from key_stores import KINDS
from llmring.serve import KeyStore


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of a store: an SQLite file, or the address of a server of Redis that is empty."""
    if request.param == "file":
        return str(tmp_path / "serve.db")
    url: str = request.getfixturevalue("redis_url")
    return url


@pytest.fixture
async def keys(place: str) -> AsyncIterator[KeyStore]:
    async with KeyStore(place) as store:
        yield store
