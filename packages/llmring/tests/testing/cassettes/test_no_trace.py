"""A key does not reach a cassette: not from headers, URLs and bodies, nor from what the other end makes of it.

Traces are looked for in another way than they are removed: everything in the file is decoded as far as it can
be, and no six characters in a row of the key may be in any of it.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from llmring import LLMRequest, LLMRing, Message, Policy, RetryPolicy
from llmring.exceptions import LLMRingError, ProviderAuthenticationError, ProviderConnectionError
from llmring.testing import record, replay
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError

KEYS = [
    "sk-proj-Qz81hG0wPLmN5vXkT2",
    "AIzaSyQ7f3kLm9ZtR2wXbN4cVh8pJd6sGa1e0Yu",
    "nothing-like-a/key+of=anybody",
    'with "quotes" \\ & <signs> ünd späces',
]
SHOWN = 6
ONCE = Policy(retry=RetryPolicy(attempts=1), breaker=None)


def traces(text: str, key: str) -> set[str]:
    """Return the parts of the key that are in the text, in whatever form."""
    parts = {key[at : at + SHOWN] for at in range(len(key) - SHOWN + 1)}
    return {part for view in views(text) for part in parts if part in view}


def views(text: str, depth: int = 3) -> Iterator[str]:
    yield text
    if depth:
        for view in {
            unquote(text),
            unquote(text.replace("+", " ")),
            html.unescape(text),
            unescaped(text),
            *binary(text),
        }:
            if view != text:
                yield from views(view, depth - 1)


def unescaped(text: str) -> str:
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\+", r"\\", text).replace('\\"', '"').replace("\\/", "/")


def binary(text: str) -> Iterator[str]:
    """Whatever base64 or hexadecimal digits may stand for."""
    for digits in re.findall(r"[\w+/-]{8,}", text, re.ASCII):
        standard = digits.replace("-", "+").replace("_", "/")
        for start in range(4):
            usable = standard[start : start + (len(standard) - start) // 4 * 4]
            yield base64.b64decode(usable).decode("utf-8", "replace")
        for start in range(2):
            try:
                usable = digits[start : start + (len(digits) - start) // 2 * 2]
                yield binascii.unhexlify(usable).decode("utf-8", "replace")
            except ValueError:
                pass


def event(**delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return b"data: " + json.dumps({"id": "c1", "choices": [choice]}).encode() + b"\n\n"


DONE = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


class Repeating:
    """The other end, which repeats the key in every way that hosts have been seen to, and some more."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.sent: list[HttpRequest] = []
        self.said: list[bytes] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        stream = await self.open(request)
        return HttpResponse(stream.status, stream.headers, await stream.read())

    async def open(self, request: HttpRequest) -> ByteStream:
        self.sent.append(request)
        body: dict[str, Any] = msgspec.json.decode(request.body)
        if body["model"] == "nowhere":
            raise TransportError(f"h.test: no connection, {self.key} or not")
        if body["model"] == "refusing":
            text = json.dumps({"error": {"message": " ".join(self.ways())}})
            return Pieces(401, self.headers(), [text.encode()])
        if body.get("stream"):
            return Pieces(200, self.headers(), self.events())
        message = {"role": "assistant", "content": " ".join(self.ways())}
        whole = {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return Pieces(200, self.headers(), [json.dumps(whole, ensure_ascii=False).encode()])

    async def aclose(self) -> None:
        """Nothing is held."""

    def headers(self) -> Mapping[str, str]:
        return {
            "content-type": "text/plain",
            "Set-Cookie": f"session={self.key}",
            "www-authenticate": f'Bearer realm="{self.key}"',
            "location": f"https://h.test/?key={quote(self.key)}",
            "openai-organization": "org-of-somebody",
        }

    def ways(self) -> list[str]:
        key, data = self.key, self.key.encode()
        return [
            f"no such key {key}.",
            f"{key[:7]}{'*' * 12}{key[-4:]}",
            f"{key[:8]}...{key[-4:]}",
            quote(key, safe=""),
            quote(quote(key, safe=""), safe=""),
            html.escape(key),
            json.dumps({"key": key}),
            base64.b64encode(data).decode(),
            base64.urlsafe_b64encode(b"x:" + data).decode(),
            base64.b64encode(b"y" + data + b"zz").decode(),
            data.hex(),
        ]

    def events(self) -> list[bytes]:
        """Chunks that cut events anywhere, events that spell the key letter by letter and in longer parts."""
        key = self.key
        body = b"".join(event(content=letter) for letter in key)
        body += b"".join(event(content=key[at : at + 5]) for at in range(0, len(key), 5))
        arguments = json.dumps({"key": key})
        call = {"index": 0, "id": "t1", "type": "function"}
        for at in range(0, len(arguments), 4):
            function = {"name": "use" if at == 0 else None, "arguments": arguments[at : at + 4]}
            body += event(tool_calls=[{**call, "function": function}])
        body += event(content=" ".join(self.ways())) + DONE
        return [body[at : at + 7] for at in range(0, len(body), 7)]


class Pieces:
    """A body in pieces."""

    def __init__(self, status: int, headers: Mapping[str, str], pieces: list[bytes]) -> None:
        self.status = status
        self.headers = headers
        self._pieces = pieces

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def finish(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is no connection."""


def questions(key: str) -> list[LLMRequest]:
    messages = [Message(role="user", content=f"Is {key} my key? {base64.b64encode(key.encode()).decode()}")]
    tools = [
        {
            "type": "mcp",
            "server_url": f"https://h.test/{quote(key)}",
            "headers": {"Authorization": f"Bearer {key}"},
        }
    ]
    return [
        LLMRequest(messages=messages, model="openai:echo"),
        LLMRequest(messages=messages, model="openai:echo", extra_params={"tools": tools}),
        LLMRequest(messages=messages, model="openai:refusing"),
        LLMRequest(messages=messages, model="openai:nowhere"),
    ]


async def ask_all(ring: LLMRing, key: str) -> list[str]:
    """Ask everything, streamed and not; return what is said and what goes wrong."""
    told = []
    for question in questions(key):
        try:
            told.append((await ring.chat(question)).content)
        except LLMRingError as error:
            told.append(type(error).__name__)
        stream = ring.chat_stream(question)
        try:
            async for _ in stream:
                pass
        except LLMRingError as error:
            told.append(type(error).__name__)
        else:
            assert stream.response is not None
            told += [
                stream.response.content,
                *(call["function"]["arguments"] for call in stream.response.tool_calls or ()),
            ]
    return told


def ring_of(key: str, transport: Any) -> LLMRing:
    ring = LLMRing(transport=transport, policy=ONCE)
    base_url = (
        f"https://me:{quote(key, safe='')}@h.test/v1/{quote(key, safe='')}?key={quote(key, safe='')}&x="
    )
    ring.register_provider("openai", api_key=key, base_url=base_url)
    return ring


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_in_headers_url_and_body_leaves_no_trace_in_the_cassette(
    key: str, tmp_path: Path
) -> None:
    path = tmp_path / "cassette.json"
    other_end = Repeating(key)
    with record(path):
        told = await ask_all(ring_of(key, other_end), key)
    assert len(other_end.sent) == 8
    for request in other_end.sent:
        assert traces(request.headers["authorization"], key)
        assert traces(request.url, key)
        assert traces(request.body.decode(), key)
    assert traces("".join(told), key), "the search finds nothing where there is something"

    text = path.read_text()
    assert traces(text, key) == set()
    assert "org-of-somebody" not in text
    leaves = "\n".join(strings(json.loads(text)))
    assert traces(leaves, key) == set()

    another = "another-key-altogether"
    with replay(path):
        replayed = await ask_all(ring_of(another, other_end), another)
    assert len(other_end.sent) == 8
    assert traces("\n".join(replayed), key) == set()
    assert len(replayed) == len(told)
    assert [ProviderAuthenticationError.__name__] * 2 == [
        one for one in replayed if one == "ProviderAuthenticationError"
    ]
    assert [ProviderConnectionError.__name__] * 2 == [
        one for one in replayed if one == "ProviderConnectionError"
    ]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(inner)


async def test_keys_of_the_environment_and_others_that_are_named_leave_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_environment, named = "a-token-of-the-environment", "told-in-confidence"
    monkeypatch.setenv("SOME_SERVICE_TOKEN", of_environment)
    monkeypatch.setenv("POSTGRES_PASSWORD", "question")
    monkeypatch.setenv("ACME_API_KEY", "acme-key")
    path = tmp_path / "cassette.json"
    other_end = Repeating(of_environment)
    with record(path, secrets=[named]):
        await ask_all(ring_of("the-key-itself", other_end), f"{named} and {of_environment}")
        words = [Message(role="user", content="My question, acme-key?")]
        await ring_of("the-key-itself", other_end).chat(LLMRequest(messages=words, model="openai:echo"))
    text = path.read_text()
    assert '"My question, REDACTED?"' in text
    assert traces(text, of_environment) == traces(text, named) == set()
    assert "my key?" in text


async def test_short_stand_ins_for_keys_are_left_in_the_text(tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    with record(path):
        await ask_all(ring_of("key", Repeating("nothing")), "key")
    assert "Is key my key?" in path.read_text()
    assert '"authorization": "REDACTED"' in path.read_text()
