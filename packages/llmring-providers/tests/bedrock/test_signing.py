"""Signatures of AWS where many calls share the credentials, and those have expired."""

from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from llmring_providers.bedrock.signing import Credentials, SigningTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse

AMAZON = "https://bedrock-runtime.eu-west-1.amazonaws.com"
ASKED = HttpRequest(
    "POST", f"{AMAZON}/model/m/converse", {"content-type": "application/json", "x-trace": "1"}, b"{}"
)
CALLS = 20


class Reply:
    """An answer without a body."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.closed = False

    async def read(self) -> bytes:
        return b""

    async def finish(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


class Gate:
    """Amazon that takes one session token; every request waits a moment, so that others come in between."""

    def __init__(self, accepted: str) -> None:
        self.accepted = accepted
        self.sent: list[Mapping[str, str]] = []
        self.refusals: list[Reply] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await self.open(request)
        return HttpResponse(reply.status, reply.headers, b"")

    async def open(self, request: HttpRequest) -> ByteStream:
        self.sent.append(request.headers)
        await anyio.lowlevel.checkpoint()
        if request.headers["x-amz-security-token"] == self.accepted:
            return Reply(200, {})
        self.refusals.append(Reply(403, {"x-amzn-errortype": "ExpiredTokenException:http://x/"}))
        return self.refusals[-1]

    async def aclose(self) -> None:
        raise AssertionError("a provider does not close the transport that others use")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Credentials in the environment, and none anywhere else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHUNTER2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-hunter2")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("streamed", [False, True])
def test_calls_whose_credentials_have_expired_look_for_them_once(
    environment: pytest.MonkeyPatch, backend: str, *, streamed: bool
) -> None:
    async def main() -> None:
        gate, credentials = Gate("old"), Credentials("bedrock")
        transport = SigningTransport(gate, credentials, AMAZON)
        await transport.send(ASKED)
        environment.setenv("AWS_SESSION_TOKEN", "new")
        gate.accepted = "new"

        async def ask() -> None:
            reply = await (transport.open(ASKED) if streamed else transport.send(ASKED))
            assert reply.status == 200

        async with anyio.create_task_group() as group:
            for _ in range(CALLS):
                group.start_soon(ask)
        _, looks = await credentials.get()
        assert looks == 2
        assert len(gate.refusals) == CALLS
        assert all(reply.closed == streamed for reply in gate.refusals)

    anyio.run(main, backend=backend)


@pytest.mark.usefixtures("environment")
async def test_only_the_type_of_the_content_is_signed_of_what_proxies_may_change() -> None:
    gate = Gate("old")
    await SigningTransport(gate, Credentials("bedrock"), AMAZON).send(ASKED)
    (headers,) = gate.sent
    assert headers["x-trace"] == "1"
    assert "/eu-west-1/bedrock/aws4_request" in headers["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in headers["authorization"]
