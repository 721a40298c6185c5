"""Proxies of the environment, and what they refuse."""

import gc
import re
import socket
import traceback
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

import pytest
from llmring_providers.transport import HttpRequest, ProxyRefusalError, TransportError
from llmring_providers.transport import aiohttp as module
from llmring_providers.transport._proxies import EnvironmentProxies, Proxy, read_proxy
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types.exceptions import ConfigurationError
from loopback import Connection, Script, StartServer
from transport_kinds import Kind

SECRET = "hunter2"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    return EnvironmentProxies(environ).proxy_for(url)


@pytest.mark.parametrize(
    ("excepted", "url", "is_excepted"),
    [
        ("*", "https://api.test/v1", True),
        ("other.test, *", "https://api.test/v1", True),
        ("api.test", "https://api.test/v1", True),
        ("API.Test.", "https://api.test/v1", True),
        ("test", "https://api.test/v1", True),
        (".test", "https://api.test/v1", True),
        ("*.test", "https://api.test/v1", True),
        ("i.test", "https://api.test/v1", False),
        ("api.test:443", "https://api.test/v1", True),
        ("api.test:8443", "https://api.test/v1", False),
        ("one.test two.test", "http://two.test", True),
        ("10.0.0.0/8", "http://10.20.30.40:11434", True),
        ("10.0.0.0/8", "http://11.20.30.40", False),
        ("10.0.0.1/8", "http://10.20.30.40", True),
        ("10.0.0.0/8", "http://api.test", False),
        ("10.0.0.0/99", "http://10.0.0.1", False),
        ("127.0.0.1", "http://127.0.0.1:8000/v1", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1", True),
        ("::1", "http://[::1]:8000/v1", True),
        ("[::1]:8000", "http://[::1]:8000/v1", True),
        ("[::1]:8001", "http://[::1]:8000/v1", False),
        ("0:0:0:0:0:0:0:1", "http://[::1]/v1", True),
        ("fd00::/8", "http://[fd12::1]:8000", True),
        ("fd00::/8", "http://[fe80::1]:8000", False),
        (" , ,", "https://api.test/v1", False),
        (".", "https://api.test/v1", False),
        ("", "https://api.test/v1", False),
    ],
)
def test_no_proxy_means_names_addresses_networks_and_all(excepted: str, url: str, is_excepted: bool) -> None:
    found = proxy_for(url, {"ALL_PROXY": "http://proxy.test", "NO_PROXY": excepted})
    assert (found is None) is is_excepted


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTPS_PROXY": "proxy.test:3128"}, Proxy("http://proxy.test:3128", "HTTPS_PROXY")),
        ({"https_proxy": "HTTP://proxy.test"}, Proxy("http://proxy.test", "https_proxy")),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTP_PROXY": "http://proxy.test"}, None),
        ({"ALL_PROXY": "socks5h://proxy.test"}, Proxy("socks5h://proxy.test", "ALL_PROXY")),
        (
            {"ALL_PROXY": "http://all.test", "HTTPS_PROXY": "https://one.test"},
            Proxy("https://one.test", "HTTPS_PROXY"),
        ),
    ],
)
def test_a_proxy_is_that_of_the_scheme_then_that_of_all(
    environ: dict[str, str], expected: Proxy | None
) -> None:
    assert proxy_for("https://api.test/v1", environ) == expected


def test_a_header_of_a_cgi_script_names_no_proxy() -> None:
    environ = {"HTTP_PROXY": "http://evil.test", "REQUEST_METHOD": "GET"}
    assert proxy_for("http://api.test", environ) is None


@pytest.mark.parametrize("scheme", ["socks", "socks4", "ftp"])
def test_another_kind_of_proxy_is_refused_by_the_name_of_its_variable(scheme: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"ALL_PROXY.* {scheme}://.*socks5://"):
        proxy_for("https://api.test", {"ALL_PROXY": f"{scheme}://proxy.test:1080"})


@pytest.mark.parametrize(
    "text", ["http://", "::garbage", "http://u:p@proxy:notaport", "http://proxy:99999", "u:p@"]
)
def test_what_is_no_address_is_refused_by_the_name_of_its_variable(text: str) -> None:
    """And not passed over: the request would go straight to the host."""
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY is not the address of a proxy") as caught:
        EnvironmentProxies({"HTTPS_PROXY": text}).proxy_for("https://api.openai.com/v1")
    assert "u:p" not in str(caught.value)


def test_a_proxy_does_not_show_its_password() -> None:
    assert SECRET not in repr(read_proxy(f"http://me:{SECRET}@proxy.test", "proxy="))


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("method", ["send", "open"])
@pytest.mark.parametrize("given", ["", f"me:{SECRET}@"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_asks_for_a_password_is_named_without_it(
    kind: Kind,
    serve: StartServer,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    given: str,
    method: str,
    trusted: bool,
) -> None:
    def script(connection: Connection) -> None:
        while connection.receive():
            connection.send(REFUSED)

    proxy = serve(script)
    url = proxy.url.replace("//", f"//{given}")
    source = f"{scheme.upper()}_PROXY" if trusted else "proxy="
    if trusted:
        monkeypatch.setenv(source, url)

    async def main() -> None:
        async with kind.make(**({"trust_env": True} if trusted else {"proxy": url})) as transport:
            await getattr(transport, method)(HttpRequest("POST", f"{scheme}://api.test/v1", {}, b"{}"))

    with pytest.raises(ProxyRefusalError) as caught:
        kind.run(main)
    said = "".join(traceback.format_exception(caught.value))
    asks = "does not take the name and password" if given else "asks for a name and a password"
    assert re.search(rf"api\.test: the proxy {proxy.host} {asks}.*\(407\): set {source} to", said)
    assert SECRET not in said


def socks_server(heard: list[tuple[str, int]], password: str = "") -> Script:
    """A SOCKS server that answers itself in the place of whatever it is asked to connect to.

    https://www.rfc-editor.org/rfc/rfc1928
    """

    def script(connection: Connection) -> None:
        version, count = connection.take(2)
        assert version == 5
        methods = connection.take(count)
        if password:
            assert 2 in methods
            connection.send(b"\x05\x02")
            _, length = connection.take(2)
            connection.take(length)
            [length] = connection.take(1)
            assert connection.take(length).decode() == password
            connection.send(b"\x01\x00")
        else:
            connection.send(b"\x05\x00")
        _, _, _, form = connection.take(4)
        if form == 3:
            [length] = connection.take(1)
            host = connection.take(length).decode()
        else:
            host = socket.inet_ntoa(connection.take(4))
        heard.append((host, int.from_bytes(connection.take(2), "big")))
        connection.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        while connection.receive():
            connection.send(OK)

    return script


@pytest.mark.parametrize("method", ["send", "open"])
@pytest.mark.parametrize("password", ["", SECRET])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_carries_requests(
    kind: Kind,
    serve: StartServer,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    password: str,
    method: str,
) -> None:
    heard: list[tuple[str, int]] = []
    server = serve(socks_server(heard, password))
    given = f"me:{password}@" if password else ""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://{given}{server.host}")

    async def main() -> list[bytes]:
        async with kind.make(trust_env=True) as transport:
            bodies = []
            for _ in range(2):
                request = HttpRequest("POST", "http://api.test:8000/v1", {}, b"{}")
                if method == "send":
                    bodies.append((await transport.send(request)).body)
                    continue
                stream = await transport.open(request)
                bodies.append(await stream.read())
                await stream.finish()
            return bodies

    assert kind.run(main) == [b"ok", b"ok"]
    assert heard == [("api.test", 8000)]


async def test_a_socks_proxy_without_what_speaks_to_it_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find(name: str) -> ModuleType:
        if name == "socksio":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(module, "import_module", find)
    monkeypatch.setenv("ALL_PROXY", f"socks5://me:{SECRET}@proxy.test:1080")
    transport = AiohttpTransport(trust_env=True)
    with pytest.raises(ConfigurationError, match=r"ALL_PROXY.*SOCKS.*proxy\.test:1080.*\[socks\]") as caught:
        await transport.send(HttpRequest("POST", "https://api.test/v1", {}, b"{}"))
    assert SECRET not in str(caught.value)


# httpcore 1.0 and 2.16 leave the socket to the garbage collector when a SOCKS proxy does not answer as one.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("said", [b"HTTP/1.1 400 No\r\n\r\n", b"\x05\xff", b""])
def test_a_socks_proxy_that_is_none_is_a_transport_error(kind: Kind, serve: StartServer, said: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.take(2)
        connection.send(said)

    proxy = serve(script)

    async def main() -> None:
        async with kind.make(proxy=f"socks5://me:{SECRET}@{proxy.host}") as transport:
            await transport.send(HttpRequest("POST", "http://api.test/v1", {}, b"{}"))

    with pytest.raises(TransportError, match=r"api\.test") as caught:
        kind.run(main)
    assert SECRET not in str(caught.value)
    del caught
    gc.collect()
