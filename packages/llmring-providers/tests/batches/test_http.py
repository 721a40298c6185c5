"""Batches over a connection: what is read, and how much of it."""

from collections.abc import AsyncIterator, Mapping

import pytest
from llmring_providers import ChatCall, ProviderSettings, find_factory
from llmring_providers.batches import BatchApi, BatchResult, BatchStatus, RunsBatches
from llmring_providers.embeddings import EmbeddingCall
from llmring_providers.sim import SimTransport
from llmring_providers.transport import HttpRequest, HttpResponse, Transport, TransportError
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchExpiredError,
    LLMRingError,
    MalformedResponseError,
    ModelCapabilityError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderResponseTooLargeError,
    ProviderServerError,
    StreamInterruptedError,
)

SECRET = "plain-hunter2-key"
LIMIT = 2**20
LINE = b'{"custom_id":"k%d","response":{"status_code":200,"body":{}},"error":null}\n'
STATUS = BatchStatus(id="batch_1", state="completed", results=("/files/out/content", "/files/err/content"))


class Body:
    """A body in pieces; an exception among them is raised."""

    def __init__(self, status: int, *pieces: bytes | TransportError) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}
        self.is_closed = False
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, TransportError):
            raise piece
        return piece

    async def finish(self) -> None:
        self.is_closed = True

    def close(self) -> None:
        self.is_closed = True


class Host:
    """A transport that gives its bodies in order."""

    def __init__(self, *bodies: Body | TransportError) -> None:
        self.bodies = list(bodies)
        self.given: list[Body] = []
        self.asked: list[HttpRequest] = []

    async def open(self, request: HttpRequest) -> Body:
        self.asked.append(request)
        body = self.bodies.pop(0)
        if isinstance(body, TransportError):
            raise body
        self.given.append(body)
        return body

    async def send(self, request: HttpRequest) -> HttpResponse:
        body = await self.open(request)
        return HttpResponse(body.status, body.headers, await body.read())

    async def aclose(self) -> None:
        """Nothing is held."""


def batches_over(transport: Transport, name: str = "openai") -> BatchApi:
    settings = ProviderSettings(name=name, transport=transport, api_key=SECRET, max_response_bytes=LIMIT)
    provider: object = find_factory(name)(settings)
    assert isinstance(provider, RunsBatches)
    found = provider.batches()
    assert found is not None
    return found


async def keys_of(results: AsyncIterator[BatchResult]) -> list[str]:
    return [result.key async for result in results]


async def test_lines_are_read_however_the_bytes_are_split() -> None:
    data = b"\n".join((LINE % 1, b"", LINE % 2)) + (LINE % 3).rstrip()
    host = Host(
        Body(200, *(data[place : place + 7] for place in range(0, len(data), 7))), Body(200, LINE % 4)
    )
    assert await keys_of(batches_over(host).read(STATUS, at_most=9)) == ["k1", "k2", "k3", "k4"]
    assert all(body.is_closed for body in host.given)
    assert {request.headers["authorization"] for request in host.asked} == {f"Bearer {SECRET}"}


READINGS: dict[str, tuple[Body | TransportError, type[LLMRingError]]] = {
    "more than was asked for": (Body(200, *[LINE % 1] * 4), MalformedResponseError),
    "a line without end": (Body(200, *[b"x" * 2**18] * 5), ProviderResponseTooLargeError),
    "a cut": (Body(200, LINE % 1, TransportError("h.test: reset")), StreamInterruptedError),
    "no connection": (TransportError("h.test: refused"), ProviderConnectionError),
    "a refusal": (
        Body(401, b'{"error":{"message":"bad key plain-hunter2-key"}}'),
        ProviderAuthenticationError,
    ),
}


@pytest.mark.parametrize("name", READINGS)
async def test_results_that_cannot_be_read_are_a_typed_error(name: str) -> None:
    body, kind = READINGS[name]
    host = Host(body)
    with pytest.raises(kind) as caught:
        await keys_of(batches_over(host).read(STATUS, at_most=3))
    assert SECRET not in str(caught.value)
    assert all(each.is_closed for each in host.given)


@pytest.mark.parametrize("line", [b"<html>\n", (LINE % 1)[:20] + b"\n", b"{}\n", b'{"custom_id":"k1"}\n'])
async def test_a_line_that_cannot_be_read_ends_nothing(line: bytes) -> None:
    host = Host(Body(200, line + LINE % 2), Body(200))
    results = [result async for result in batches_over(host).read(STATUS, at_most=3)]
    assert [(result.key, result.kind) for result in results] == [("", "unreadable"), ("k2", "answered")]


async def test_an_inline_result_that_cannot_be_read_ends_nothing() -> None:
    results = b'[{"metadata":{"key":"k1"}},{"metadata":{"key":"k2"},"response":{"candidates":[]}}]'
    body = b'{"name":"batches/1","response":{"inlinedResponses":{"inlinedResponses":%s}}}' % results
    status = BatchStatus(id="batches/1", state="completed", results=("/batches/1",))
    found = [result async for result in batches_over(Host(Body(200, body)), "google").read(status, at_most=5)]
    assert [(result.key, result.kind) for result in found] == [("", "unreadable"), ("k2", "answered")]


async def test_results_may_be_as_long_together_as_so_many_answers_alone() -> None:
    host = Host(Body(200, LINE % 1), Body(200))
    await keys_of(batches_over(host).read(STATUS, at_most=3))
    assert all((request.max_response_bytes or 0) >= 3 * LIMIT for request in host.asked)


@pytest.mark.parametrize("name", ["openai", "anthropic", "google"])
@pytest.mark.parametrize("status", [404, 410])
async def test_a_batch_that_is_not_there_is_none(status: int, name: str) -> None:
    assert await batches_over(Host(Body(status)), name).get("batch_1") is None


async def test_only_gemini_forbids_a_batch_that_is_not_there() -> None:
    assert await batches_over(Host(Body(403)), "google").get("batches/1") is None
    for name in ("openai", "anthropic"):
        with pytest.raises(
            ProviderAuthenticationError
        ):  # its answers are paid for, and there for another key
            await batches_over(Host(Body(403)), name).get("batch_1")


@pytest.mark.parametrize("status", [400, 404, 409, 410])
async def test_a_batch_that_has_ended_cannot_be_cancelled(status: int) -> None:
    assert await batches_over(Host(Body(status))).cancel("batch_1") is False


async def test_a_list_that_leads_back_to_a_page_ends_there() -> None:
    page = b'{"data":[{"id":"batch_1","status":"completed"}],"has_more":true}'
    host = Host(Body(200, page), Body(200, page))
    assert [each.id async for each in batches_over(host).list_all()] == ["batch_1", "batch_1"]
    assert host.bodies == []


async def test_a_host_cannot_send_the_key_elsewhere_for_the_results() -> None:
    ended = b'{"id":"msgbatch_1","processing_status":"ended","results_url":"https://elsewhere.test/r"}'
    host = Host(Body(200, ended), Body(200))
    batches = batches_over(host, "anthropic")
    found = await batches.get("msgbatch_1")
    assert found is not None
    assert await keys_of(batches.read(found, at_most=1)) == []
    assert {request.url.partition("/v1/")[0] for request in host.asked} == {"https://api.anthropic.com"}


CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))
RESULTS: list[tuple[BatchResult, type[LLMRingError]]] = [
    (BatchResult("k", "expired"), BatchExpiredError),
    (BatchResult("k", "cancelled"), BatchCancelledError),
    (BatchResult("k", "answered", 429, b'{"error":{"message":"slow down"}}'), ProviderRateLimitError),
    (BatchResult("k", "answered", 200, b"{}"), MalformedResponseError),
    (
        BatchResult("k", "answered", 200, b'{"error":{"message":"bad plain-hunter2-key"}}'),
        ProviderServerError,
    ),
]


@pytest.mark.parametrize(("result", "kind"), RESULTS)
def test_a_result_that_is_no_answer_raises_what_the_request_alone_would(
    result: BatchResult, kind: type[LLMRingError]
) -> None:
    batches = batches_over(Host())
    with pytest.raises(kind) as caught:
        batches.answer(CALL, batches.request(CALL), result)
    assert SECRET not in str(caught.value)


async def test_vectors_are_asked_for_by_batch_at_openai() -> None:
    batches = batches_over(SimTransport(), "openai")
    call = EmbeddingCall(["a", "b"], ModelRef("openai", "text-embedding-3-small"), dimensions=4)
    line = batches.embedding_line(call, "k")
    made = await batches.submit([line.data], line.group, "label")
    found = await batches.get(made.id)
    assert found is not None
    (result,) = [each async for each in batches.read(found, at_most=1)]
    vectors = batches.vectors(call, result)
    assert [len(vector) for vector in vectors.embeddings] == [4, 4]
    assert vectors.tokens is not None
    with pytest.raises(BatchExpiredError):
        batches.vectors(call, BatchResult("k", "expired"))
    with pytest.raises(MalformedResponseError, match="2"):
        batches.vectors(call, result._replace(body=b'{"data": []}'))


@pytest.mark.parametrize("name", ["anthropic", "google"])
def test_other_vendors_batches_take_no_embeddings(name: str) -> None:
    call = EmbeddingCall(["a"], ModelRef(name, "m"))
    with pytest.raises(ModelCapabilityError, match="no batches of embeddings"):
        batches_over(SimTransport(), name).embedding_line(call, "k")


def test_a_host_without_a_batch_api_has_none() -> None:
    provider: object = find_factory("groq")(ProviderSettings(name="groq", transport=Host(), api_key=SECRET))
    assert isinstance(provider, RunsBatches)
    assert provider.batches() is None
