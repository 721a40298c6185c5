"""What an adapter and a transport make together."""

from collections.abc import Mapping
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, WireRequest
from llmring_providers.openai import create
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_providers.transport import (
    MAX_RESPONSE_BYTES,
    ByteStream,
    HttpRequest,
    HttpResponse,
    ProxyRefusalError,
    ResponseTooLargeError,
    Transport,
    TransportError,
)
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderResponseTooLargeError,
    ProviderServerError,
    ProxyAuthenticationError,
    StreamInterruptedError,
)
from msgspec import UNSET, UnsetType

SECRET = "sk-hunter2"
CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))


class Broken:
    """A transport that reaches nobody."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise TransportError("h.test: Connection refused")

    async def open(self, request: HttpRequest) -> ByteStream:
        raise TransportError("h.test: Connection refused")

    async def aclose(self) -> None:
        raise AssertionError("a provider does not close the transport that others use")


class Body:
    """A body in pieces; an exception among them is raised."""

    def __init__(self, status: int, *pieces: bytes | TransportError) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"x-request-id": "r1"}
        self.left: list[str] = []
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, TransportError):
            raise piece
        return piece

    async def finish(self) -> None:
        self.left.append("finished")

    def close(self) -> None:
        self.left.append("closed")


class Answering(Broken):
    """A transport with one answer."""

    def __init__(self, body: Body) -> None:
        self.body = body

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(self.body.status, self.body.headers, await self.body.read())

    async def open(self, request: HttpRequest) -> ByteStream:
        return self.body


def provider(transport: Transport | None = None, api_key: str = SECRET, **settings: Any) -> HttpProvider:
    return create(
        ProviderSettings(name="openai", transport=transport or Broken(), api_key=api_key, **settings)
    )


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("https://h.test/v1", "https://h.test/v1"),
        (f"https://me:{SECRET}@h.test/v1", "https://h.test/v1"),
        (f"https://{SECRET}@h.test:8080", "https://h.test:8080"),
        ("https://h.test/at/@here", "https://h.test/at/@here"),
    ],
)
@pytest.mark.parametrize("method", ["chat", "stream"])
async def test_nobody_reached_is_a_connection_error_that_shows_where(
    base_url: str, shown: str, method: str
) -> None:
    with pytest.raises(ProviderConnectionError) as caught:
        await getattr(provider(base_url=base_url), method)(CALL)
    assert str(caught.value) == (
        f"[openai] no answer from h.test: Connection refused; check the network and the base URL {shown}"
    )
    assert caught.value.model == "gpt-4o"


@pytest.mark.parametrize("key", [SECRET, "sk-with/slash+plus=="])
@pytest.mark.parametrize("method", ["chat", "stream"])
async def test_a_key_that_the_host_repeats_is_masked(method: str, key: str) -> None:
    said = b'{"error": {"message": "no such key as %s here"}}' % key.encode()
    with pytest.raises(ProviderAuthenticationError, match=r"no such key as [*]+ here") as caught:
        await getattr(provider(Answering(Body(401, said)), api_key=key), method)(CALL)
    assert key not in str(caught.value.args) + caught.value.message
    assert caught.value.request_id == "r1"


async def test_a_key_that_the_host_repeats_within_a_stream_is_masked() -> None:
    key = "made-up/0123456789"
    said = b'data: {"error": {"message": "no such key as %s here", "code": 500}}\n\n' % key.encode()
    stream = await provider(Answering(Body(200, said)), api_key=key).stream(CALL)
    with pytest.raises(ProviderServerError, match=r"no such key as [*]+ here") as caught:
        await stream.receive()
    assert key not in str(caught.value.args) + caught.value.message


async def test_a_stand_in_for_a_key_is_not_blotted_out_of_the_words() -> None:
    said = b'{"error": {"message": "no such key here"}}'
    with pytest.raises(ProviderAuthenticationError, match="no such key here"):
        await provider(Answering(Body(401, said)), api_key="key").chat(CALL)


async def test_an_error_whose_body_breaks_off_is_told_by_its_status() -> None:
    body = Body(429, b'{"error": {"mess', TransportError("h.test: reset"))
    with pytest.raises(ProviderRateLimitError):
        await provider(Answering(body)).stream(CALL)
    assert body.left == ["closed"]


async def test_a_stream_whose_connection_breaks_is_interrupted() -> None:
    event = b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
    body = Body(200, event, TransportError("h.test: Connection reset by peer"))
    stream = await provider(Answering(body)).stream(CALL)
    [chunk] = await stream.receive()
    assert chunk.delta == "Hel"
    with pytest.raises(
        StreamInterruptedError, match=r"in the middle .*h\.test: Connection reset by peer"
    ) as caught:
        await stream.receive()
    assert caught.value.request_id == "r1"
    assert body.left == ["closed"]
    assert not await stream.receive()


async def test_a_stream_that_reports_an_error_is_closed() -> None:
    body = Body(200, b'data: {"error": {"message": "too much", "code": "server_error"}}\n\n', b"more")
    stream = await provider(Answering(body)).stream(CALL)
    with pytest.raises(ProviderServerError, match="too much") as caught:
        await stream.receive()
    assert caught.value.request_id == "r1"
    assert body.left == ["closed"]


async def test_an_answer_that_cannot_be_read_says_which_it_was() -> None:
    with pytest.raises(MalformedResponseError) as caught:
        await provider(Answering(Body(200, b"<html>"))).chat(CALL)
    assert caught.value.request_id == "r1"


async def test_a_stream_is_not_read_beyond_its_terminal_event() -> None:
    event = b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    body = Body(200, event, TransportError("nobody must read this"))
    stream = await provider(Answering(body)).stream(CALL)
    chunks = await stream.receive()
    assert [chunk.finish_reason for chunk in chunks] == [None, "stop"]
    assert chunks[-1].request_id == "r1"
    assert stream.partial().request_id == "r1"
    assert not await stream.receive()
    await stream.finish()
    assert body.left == ["finished"]


def test_nothing_shows_a_secret() -> None:
    settings = ProviderSettings(
        name="openai", transport=Broken(), api_key=SECRET, base_url=f"https://me:{SECRET}@h.test/v1"
    )
    assert repr(settings) == "ProviderSettings(name='openai', base_url='https://h.test/v1')"
    assert repr(create(settings)) == "HttpProvider('openai', base_url='https://h.test/v1')"
    assert repr(ProviderSettings(name="x", transport=Broken())) == "ProviderSettings(name='x', base_url=None)"


async def test_the_shared_transport_stays_open() -> None:
    built = provider()
    await built.aclose()
    await built.aclose()


@pytest.mark.parametrize(
    ("ring", "request_", "expected"),
    [
        (1000, UNSET, 1000),
        (1000, 10, 10),
        (1000, None, None),
        (None, UNSET, None),
        (UNSET, UNSET, MAX_RESPONSE_BYTES),
    ],
)
async def test_the_limit_of_a_request_comes_before_that_of_the_ring(
    ring: int | UnsetType | None, request_: int | UnsetType | None, expected: int | None
) -> None:
    asked: list[int | None] = []

    class Noting(Broken):
        async def send(self, request: HttpRequest) -> HttpResponse:
            asked.append(request.max_response_bytes)
            return await super().send(request)

    settings: dict[str, Any] = {} if ring is UNSET else {"max_response_bytes": ring}
    call = CALL._replace(request=LLMRequest(CALL.request.messages, max_response_bytes=request_))
    with pytest.raises(ProviderConnectionError):
        await provider(Noting(), **settings).chat(call)
    assert asked == [expected]


def too_large(status: int) -> ResponseTooLargeError:
    return ResponseTooLargeError(
        "h.test: the answer is larger", limit=10, status=status, headers={"x-request-id": "r1"}
    )


class Endless(Broken):
    """A transport whose answers never end."""

    def __init__(self, status: int) -> None:
        self.body = Body(status, b"data: ", too_large(status))

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise too_large(self.body.status)

    async def open(self, request: HttpRequest) -> ByteStream:
        return self.body


async def test_an_answer_that_is_too_large_is_an_error_of_its_own() -> None:
    with pytest.raises(ProviderResponseTooLargeError) as caught:
        await provider(Endless(200)).chat(CALL)
    assert (caught.value.limit, caught.value.status_code, caught.value.request_id) == (10, 200, "r1")


async def test_a_stream_that_is_too_large_is_the_same_error_and_is_closed() -> None:
    transport = Endless(200)
    stream = await provider(transport).stream(CALL)
    with pytest.raises(ProviderResponseTooLargeError) as caught:
        await stream.receive()
    assert (caught.value.limit, caught.value.request_id) == (10, "r1")
    assert transport.body.left == ["closed"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_status_says_more_than_the_size_of_an_error(streamed: bool) -> None:
    whole = provider(Endless(429))
    with pytest.raises(ProviderRateLimitError):
        await (whole.stream if streamed else whole.chat)(CALL)


async def test_a_proxy_that_refuses_is_an_error_of_its_own() -> None:
    class Refusing(Broken):
        async def send(self, request: HttpRequest) -> HttpResponse:
            raise ProxyRefusalError("h.test: the proxy proxy.test asks for a name and a password (407)")

    with pytest.raises(ProxyAuthenticationError, match=r"proxy\.test asks") as caught:
        await provider(Refusing()).chat(CALL)
    assert (caught.value.status_code, caught.value.retryable) == (407, False)


class Encoding(OpenAIAdapter):
    """An adapter that remembers whether each request that it has encoded was for a stream."""

    def __init__(self) -> None:
        self.encoded: list[bool] = []

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        self.encoded.append(stream)
        return super().encode(call, stream=stream)


class Keeping(Broken):
    """A transport that keeps the bodies that it is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.bodies.append(request.body)
        return HttpResponse(200, {}, b'{"choices": [{"message": {"content": "Hi"}}]}')

    async def open(self, request: HttpRequest) -> ByteStream:
        self.bodies.append(request.body)
        return Body(200)


def encoding_provider(adapter: Encoding, transport: Transport) -> HttpProvider:
    return HttpProvider(
        "openai", adapter=adapter, transport=transport, base_url="https://h.test", api_key="k"
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_whose_bounds_were_asked_for_is_encoded_once(*, stream: bool) -> None:
    adapter, transport = Encoding(), Keeping()
    provider = encoding_provider(adapter, transport)
    call = CALL._replace(progress=(lambda: None) if stream else None)
    bounds = provider.output_bounds(call)
    await (provider.stream if stream else provider.chat)(call._replace(encoded=bounds.encoded))
    assert adapter.encoded == [stream]
    await (provider.stream if stream else provider.chat)(call)
    assert transport.bodies[0] == transport.bodies[1]


OTHER_REQUEST = LLMRequest(messages=[Message(role="user", content="Something else")])


@pytest.mark.parametrize(
    "change",
    [
        {"request": OTHER_REQUEST},
        {"ref": ModelRef("openai", "gpt-4o-mini")},
        {"facts": ModelFacts(provider="openai", model="gpt-4o", temperature=False)},
    ],
)
async def test_a_call_that_was_changed_after_its_bounds_were_asked_for_is_encoded_anew(
    change: dict[str, Any],
) -> None:
    adapter, transport = Encoding(), Keeping()
    provider = encoding_provider(adapter, transport)
    changed = CALL._replace(encoded=provider.output_bounds(CALL).encoded, **change)
    await provider.chat(changed)
    await provider.chat(changed._replace(encoded=None))
    assert adapter.encoded == [False] * 3
    assert transport.bodies[0] == transport.bodies[1]


async def test_what_another_provider_has_encoded_is_not_sent() -> None:
    adapter, transport = Encoding(), Keeping()
    encoded = encoding_provider(Encoding(), transport).output_bounds(CALL).encoded
    await encoding_provider(adapter, transport).chat(CALL._replace(encoded=encoded))
    assert adapter.encoded == [False]


async def test_the_bounds_of_a_whole_answer_are_no_request_for_a_stream() -> None:
    adapter, transport = Encoding(), Keeping()
    provider = encoding_provider(adapter, transport)
    encoded = provider.output_bounds(CALL).encoded
    await provider.stream(CALL._replace(encoded=encoded, progress=lambda: None))
    assert adapter.encoded == [False, True]
