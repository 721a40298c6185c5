"""Keys that a function gives, and what happens when the host refuses one."""

from collections.abc import Callable, Mapping

import anyio
import anyio.lowlevel
import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    ConfigurationError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
)

CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))
ANSWER = b'{"id":"1","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'


class Reply:
    """A body that is one piece."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {}
        self.closed = False
        self._pieces = [body]

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    async def finish(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True


class Gate:
    """A host that takes one key; every request waits a moment, so that others come in between."""

    def __init__(self, accepted: str, *, status: int = 200, body: bytes = ANSWER) -> None:
        self.accepted = accepted
        self.keys: list[str] = []
        self.replies: list[Reply] = []
        self._answer = (status, body)

    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await self._reply(request)
        return HttpResponse(reply.status, reply.headers, await reply.read())

    async def open(self, request: HttpRequest) -> ByteStream:
        return await self._reply(request)

    async def aclose(self) -> None:
        raise AssertionError("a provider does not close the transport that others use")

    async def _reply(self, request: HttpRequest) -> Reply:
        key = request.headers["authorization"].removeprefix("Bearer ")
        self.keys.append(key)
        await anyio.lowlevel.checkpoint()
        status, body = self._answer if key == self.accepted else (401, b'{"error":{"message":"expired"}}')
        self.replies.append(Reply(status, body))
        return self.replies[-1]


class Source:
    """Gives its keys in order, the last again and again; counts how often it is asked."""

    def __init__(self, *keys: str) -> None:
        self._keys = list(keys)
        self.asked = 0

    def plain(self) -> str:
        self.asked += 1
        return self._keys.pop(0) if len(self._keys) > 1 else self._keys[0]

    async def awaited(self) -> str:
        await anyio.lowlevel.checkpoint()
        return self.plain()


def provider(transport: Gate, source: object) -> HttpProvider:
    settings = ProviderSettings(name="openai", transport=transport, api_key=source)  # type: ignore[arg-type]
    built = find_factory("openai")(settings)
    assert isinstance(built, HttpProvider)
    return built


FORMS: list[Callable[[Source], object]] = [
    lambda source: source.plain,
    lambda source: source.awaited,
    lambda source: lambda: source.awaited(),  # noqa: PLW0108 - nothing tells that it is asynchronous
]


@pytest.mark.parametrize("form", FORMS, ids=["plain", "async", "returns an awaitable"])
async def test_a_key_is_asked_for_once_and_kept(form: Callable[[Source], object]) -> None:
    gate, source = Gate("first-key"), Source("first-key", "second-key")
    built = provider(gate, form(source))
    for _ in range(3):
        assert (await built.chat(CALL)).content == "Hello"
    assert (source.asked, gate.keys) == (1, ["first-key"] * 3)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("streamed", [False, True])
def test_fifty_calls_whose_key_has_expired_renew_it_once(backend: str, *, streamed: bool) -> None:
    async def main() -> None:
        gate, source = Gate("old-key"), Source("old-key", "new-key")
        built = provider(gate, source.awaited)
        await built.chat(CALL)
        gate.accepted = "new-key"

        async def ask() -> None:
            if streamed:
                (await built.stream(CALL)).close()
            else:
                assert (await built.chat(CALL)).content == "Hello"

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
        assert source.asked == 2
        assert gate.keys.count("new-key") == 50
        assert all(reply.closed for reply in gate.replies if streamed and reply is not gate.replies[0])

    anyio.run(main, backend=backend)


async def test_a_key_that_stays_refused_is_asked_for_once_and_sent_once() -> None:
    gate, source = Gate("other-key"), Source("same-key")
    built = provider(gate, source.plain)
    with pytest.raises(ProviderAuthenticationError, match="expired"):
        await built.chat(CALL)
    assert (source.asked, len(gate.keys)) == (2, 1)


async def test_a_new_key_that_is_refused_too_ends_the_call() -> None:
    gate, source = Gate("none"), Source("key-1", "key-2", "key-3")
    with pytest.raises(ProviderAuthenticationError):
        await provider(gate, source.plain).chat(CALL)
    assert gate.keys == ["key-1", "key-2"]


async def test_a_caller_who_gives_up_leaves_the_others_their_key() -> None:
    gate, started = Gate("the-key"), anyio.Event()
    asked = []

    async def slow() -> str:
        asked.append(1)
        if len(asked) == 1:
            started.set()
            await anyio.sleep_forever()
        return "the-key"

    built = provider(gate, slow)
    async with anyio.create_task_group() as waiting, anyio.create_task_group() as leaving:
        leaving.start_soon(built.chat, CALL)
        await started.wait()
        waiting.start_soon(built.chat, CALL)
        await anyio.lowlevel.checkpoint()
        leaving.cancel_scope.cancel()
    assert (len(asked), gate.keys) == (2, ["the-key"])


def broken() -> str:
    raise OSError("the secret is hunter2-hunter2")


@pytest.mark.parametrize(
    "source", [broken, lambda: "", lambda: None, lambda: "two\nlines-secret", lambda: "schlüssel"]
)
async def test_a_function_that_gives_no_key_is_an_error_without_its_text(source: object) -> None:
    gate = Gate("none")
    with pytest.raises(ProviderAuthenticationError, match="the function that gives the key") as caught:
        await provider(gate, source).chat(CALL)
    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not gate.keys


async def test_no_repr_and_no_error_shows_the_key() -> None:
    body = b'{"error":{"message":"you sent sk-very-secret-key"}}'
    gate = Gate("sk-very-secret-key", status=400, body=body)
    built = provider(gate, Source("sk-very-secret-key").plain)
    with pytest.raises(ProviderBadRequestError) as caught:
        await built.chat(CALL)
    assert built.secrets() == {"sk-very-secret-key"}
    shown = "".join(map(repr, (built, vars(built), caught.value, caught.value.message)))
    assert "very-secret" not in shown


@pytest.mark.parametrize("name", ["anthropic", "google", "ollama"])
def test_raw_access_says_that_an_sdk_takes_no_function(name: str) -> None:
    settings = ProviderSettings(name=name, transport=Gate(""), api_key=lambda: "key")
    with pytest.raises(ConfigurationError, match="client="):
        _ = find_factory(name)(settings).client  # type: ignore[attr-defined]


async def test_openais_own_client_asks_the_same_function() -> None:
    source = Source("first-key")
    built = provider(Gate("first-key"), source.awaited)
    await built.chat(CALL)
    await built.client._refresh_api_key()  # as it does before each request
    assert (built.client.api_key, source.asked) == ("first-key", 1)
