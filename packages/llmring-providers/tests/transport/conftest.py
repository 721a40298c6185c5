"""Servers that tests script, and the transports that they are tried with."""

import gc
import ssl
from collections.abc import Iterator

import pytest
import trustme
from loopback import Loopback, Script, StartServer
from transport_kinds import KINDS, Kind, Tls


@pytest.fixture(scope="session", autouse=True)
def what_is_loaded_is_not_searched() -> Iterator[None]:
    """Every test here collects garbage; the vendors' SDKs, millions of objects, would make that most of its time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def serve() -> Iterator[StartServer]:
    """Start servers that end with the test."""
    servers: list[Loopback] = []

    def start(script: Script, context: ssl.SSLContext | None = None) -> Loopback:
        servers.append(Loopback(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def tls() -> Tls:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Tls(server, client)
