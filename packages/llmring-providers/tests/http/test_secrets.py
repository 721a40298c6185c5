"""Keys out of sight, in whatever form a host echoes them, and in tracebacks that show locals."""

import base64
import traceback
from collections.abc import Mapping
from itertools import islice
from urllib.parse import quote

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, WireRequest
from llmring_providers._http.replies import blotted, without_key
from llmring_providers.openai import create
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import LLMRingError, ProviderError, ProviderServerError

KEY = "sk-hunter2/+ü"
ECHOED = KEY.encode()
CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))
URLS = quote(KEY, safe="")
CODED = [base64.b64encode(before + KEY.encode() + b": and more") for before in (b"", b"a", b"me", b"Bearer ")]
URL_SAFE = base64.urlsafe_b64encode(b"x" + KEY.encode())
ECHOES = [KEY, URLS, *(text.decode() for text in (*CODED, URL_SAFE))]


@pytest.mark.parametrize("echo", ECHOES)
def test_every_form_of_the_key_is_blotted_out(echo: str) -> None:
    assert blotted(f"the key '{echo}' is wrong", KEY) == "the key '***' is wrong"


@pytest.mark.parametrize("key", ["", "none", "EMPTY"])
def test_a_stand_in_for_a_key_is_left_in_place(key: str) -> None:
    assert blotted("EMPTY or none", key) == "EMPTY or none"


@pytest.mark.parametrize("echo", ECHOES)
def test_it_is_blotted_out_of_all_that_an_error_holds(echo: str) -> None:
    error = ProviderServerError(
        f"no {echo}",
        code=f"bad_{echo}",
        request_id=f"req-{echo}",
        details={"headers": [{f"name {echo}": echo}, 7]},
        original=ValueError(echo),
    )
    shown = repr(vars(without_key(error, KEY))) + str(error) + repr(error.args)
    assert echo not in shown
    assert error.details == {"headers": [{"name ***": "***"}, 7]}


class Echoing:
    """A transport whose host puts the key into everything that it answers."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.headers: Mapping[str, str] = {"x-request-id": f"r-{KEY}"}

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(self.status, self.headers, self.body)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise TransportError("h.test: Connection refused")

    async def aclose(self) -> None:
        """Nothing is held."""


def provider(status: int, body: bytes) -> HttpProvider:
    return create(ProviderSettings(name="openai", transport=Echoing(status, body), api_key=KEY))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error": {"message": "no %s", "code": "%s", "param": "%s"}}'),
        (500, b"no %s %s %s"),
        (200, b'{"error": {"message": "no %s", "code": "%s", "param": "%s"}}'),
        (200, b'["%s", "%s", "%s"]'),
    ],
)
async def test_no_rejection_shows_a_key_that_the_host_echoes(status: int, body: bytes) -> None:
    echoed = KEY.encode()
    with pytest.raises(LLMRingError) as caught:
        await provider(status, body % (echoed, CODED[0], echoed)).chat(CALL)
    assert isinstance(caught.value, ProviderError)
    assert caught.value.request_id == "r-***"
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert KEY not in shown
    assert CODED[0].decode() not in shown


async def test_an_error_within_an_answer_shows_no_echo_in_a_traceback_with_locals() -> None:
    with pytest.raises(ProviderError) as caught:
        await provider(200, b'{"error": {"message": "no %b"}}' % ECHOED).chat(CALL)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(told.format())


@pytest.mark.parametrize("shown", [r"ab/cd\\ef\"gh+ij", r"ab\/cd\\ef\"gh+ij"])
def test_a_key_that_is_json_within_a_text_is_blotted_too(shown: str) -> None:
    assert blotted(f'upstream said {{"key": "{shown}"}}', 'ab/cd\\ef"gh+ij') == 'upstream said {"key": "***"}'


@pytest.mark.parametrize(("status", "body"), [(401, b"no"), (200, b"no"), (200, b"[]"), (500, b"{}")])
async def test_no_traceback_with_locals_shows_the_key(status: int, body: bytes) -> None:
    with pytest.raises(LLMRingError) as caught:
        await provider(status, body).chat(CALL)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(told.format())


async def test_the_id_of_an_answer_does_not_show_it_either() -> None:
    body = b'{"id": "1", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'
    assert (await provider(200, body).chat(CALL)).request_id == "r-***"


class Cut:
    """A stream that brings the bytes one by one, so that nothing arrives whole."""

    status = 200
    headers: Mapping[str, str] = {"x-request-id": f"r-{KEY}"}

    def __init__(self, body: bytes) -> None:
        self._bytes = iter(body)

    async def read(self) -> bytes:
        return b"".join(bytes([byte]) for byte in islice(self._bytes, 1))

    async def finish(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


class Streaming(Echoing):
    async def open(self, request: HttpRequest) -> ByteStream:
        return Cut(self.body)


async def test_a_key_in_pieces_is_blotted_out_of_a_failure_in_the_stream_and_of_its_id() -> None:
    streaming = Streaming(
        200, b'data: {"error": {"message": "no %b", "code": "c-%b"}}\n\n' % (ECHOED, ECHOED)
    )
    stream = await create(ProviderSettings(name="openai", transport=streaming, api_key=KEY)).stream(CALL)
    assert stream.partial().request_id == "r-***"
    with pytest.raises(ProviderError) as caught:
        await stream.receive()
    assert caught.value.request_id == "r-***"
    assert "***" in str(caught.value)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(shown.format()) + repr(vars(caught.value))


async def test_a_failed_connection_shows_no_key_in_a_traceback_with_locals() -> None:
    with pytest.raises(LLMRingError) as caught:
        await provider(200, b"").stream(CALL)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(told.format())


@pytest.mark.parametrize(
    "holder",
    [
        HttpRequest("POST", f"https://me:{URLS}@h.test/v1?key={URLS}", {"authorization": f"Bearer {KEY}"}),
        HttpResponse(200, {"x-echo": KEY}, KEY.encode()),
        WireRequest(path="/v1", body=b"{}", headers={"x-goog-api-key": KEY}),
    ],
    ids=["request", "response", "wire"],
)
def test_what_holds_a_header_only_shows_its_name(holder: object) -> None:
    assert KEY not in repr(holder)
    assert URLS not in repr(holder)
    assert "headers" in repr(holder)
