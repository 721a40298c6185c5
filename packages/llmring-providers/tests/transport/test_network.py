"""The switch that keeps requests on this machine."""

from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers.transport import (
    AutoTransport,
    HttpRequest,
    LoopbackOnly,
    Transport,
    _network,
    refuse_network,
)
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport
from llmring_providers.transport.sdk import SdkTransport
from llmring_types.exceptions import ConfigurationError

SECRET = "sk-hunter2"


async def never(*_: object) -> Any:
    raise AssertionError("the request was sent")


def through_an_sdk() -> Transport:
    return SdkTransport("https://api.openai.com/v1", never)


@pytest.mark.parametrize("make", [AutoTransport, AiohttpTransport, Httpx2Transport, through_an_sdk])
@pytest.mark.parametrize("method", ["send", "open"])
async def test_a_request_that_would_leave_this_machine_is_refused(
    make: Callable[[], Transport], method: str
) -> None:
    transport = make()
    request = HttpRequest("POST", f"https://me:{SECRET}@api.openai.com/v1/chat?key={SECRET}", {})
    with (
        refuse_network(),
        pytest.raises(ConfigurationError, match=r"^a request to api\.openai\.com ") as caught,
    ):
        await getattr(transport, method)(request)
    await transport.aclose()
    assert "FakeProvider" in str(caught.value)
    assert SECRET not in str(caught.value)


ALLOWED = [
    "http://127.0.0.1:1234/v1",
    "http://127.9.9.9",
    "http://[::1]:80/",
    "http://localhost:11434/api/chat",
    "http://sim.localhost",
]
REFUSED = [
    "https://api.openai.com",
    "http://10.0.0.1:80",
    "http://[2001:db8::1]/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
    "http://127.0.0.1@example.com/",
    "http://[::1",
    "nonsense",
    "",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_loopback_is_allowed(url: str) -> None:
    with refuse_network():
        _network.check_network(HttpRequest("GET", url, {}))


@pytest.mark.parametrize("url", REFUSED)
def test_everything_else_is_not(url: str) -> None:
    _network.check_network(HttpRequest("GET", url, {}))
    with refuse_network(), pytest.raises(ConfigurationError):
        _network.check_network(HttpRequest("GET", url, {}))
    _network.check_network(HttpRequest("GET", url, {}))


def test_hosts_may_be_allowed_by_name_and_the_last_word_counts() -> None:
    url = "https://models.example.com/v1"
    with refuse_network("models.example.com"):
        _network.check_network(HttpRequest("GET", url, {}))
        with refuse_network(), pytest.raises(ConfigurationError):
            _network.check_network(HttpRequest("GET", url, {}))
        _network.check_network(HttpRequest("GET", url, {}))


@pytest.mark.parametrize("make", [AutoTransport, AiohttpTransport, Httpx2Transport, through_an_sdk])
@pytest.mark.parametrize("method", ["send", "open"])
async def test_a_transport_may_be_confined_to_this_machine_by_itself(
    make: Callable[[], Transport], method: str
) -> None:
    request = HttpRequest("POST", "https://api.openai.com/v1/chat", {})
    transport = LoopbackOnly(make())
    with pytest.raises(ConfigurationError, match=r"^a request to api\.openai\.com "):
        await getattr(transport, method)(request)
    await transport.aclose()
    _network.check_network(request)


def test_a_confined_request_gives_way_to_an_explicit_refusal() -> None:
    request = HttpRequest("GET", "https://models.example.com/v1", {}, loopback_only=True)
    with refuse_network("models.example.com"):
        _network.check_network(request)
    with pytest.raises(ConfigurationError):
        _network.check_network(request)
