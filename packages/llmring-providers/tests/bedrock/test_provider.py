"""Bedrock over loopback, held against botocore's own client: what both send, and what both read."""

import json
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import anyio.to_thread
import botocore.session  # type: ignore[import-untyped]
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import Credentials as Keys  # type: ignore[import-untyped]
from hosted import STAMP, chunks_of
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, find_factory
from llmring_providers._settings import KeySource
from llmring_providers.bedrock.provider import BedrockListing, build_client
from llmring_providers.bedrock.signing import may_sign, region_of
from llmring_providers.hosting import CODECS, find_route
from llmring_providers.transport import AutoTransport, ByteStream, HttpRequest, HttpResponse, Transport
from llmring_providers.transport.httpx import HttpxTransport
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, collect, tool_call
from llmring_types.exceptions import (
    ConfigurationError,
    MissingSDKError,
    ProviderAuthenticationError,
    ProviderPermissionError,
    ProviderRateLimitError,
)

MODEL = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
)
ANSWER = LLMResponse(
    content="It is sunny.",
    model="bedrock:m",
    reasoning="They ask of Rome.",
    usage={"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19, "cache_read_input_tokens": 5},
    finish_reason="tool_calls",
    tool_calls=[tool_call("tooluse_1", "get_weather", {"city": "Rome", "days": 2.0})],
)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ACCESS = {
    "AWS_ACCESS_KEY_ID": "AKIAHUNTER2",
    "AWS_SECRET_ACCESS_KEY": "secret-hunter2",
    "AWS_SESSION_TOKEN": "t" * 40,
}


AMAZON = "https://bedrock-runtime.us-east-1.amazonaws.com"


class Diverted:
    """Carries what is for Amazon to an address on loopback, after it has been signed."""

    def __init__(self, transport: Transport, url: str) -> None:
        self._transport, self._url = transport, url

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        return self._transport.send(self._moved(request))

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        return self._transport.open(self._moved(request))

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _moved(self, request: HttpRequest) -> HttpRequest:
        origin = f"https://{urlsplit(request.url).netloc}"
        assert origin in (AMAZON, AMAZON.replace("bedrock-runtime", "bedrock"))
        return request._replace(url=request.url.replace(origin, self._url))


class Room:
    """Bedrock on loopback, written by our own codec.

    Attributes:
        seen: method, target as it was on the wire, headers and body of each request.
        refusals: errors that come before the answers: status, name and text.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.refusals: list[tuple[int, str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.raw_path, headers, body))
        if self.refusals:
            status, name, text = self.refusals.pop(0)
            error = {"message": text.replace("{sent}", headers.get("x-amz-security-token", ""))}
            return web.json_response(error, status=status, headers={"x-amzn-errortype": f"{name}:http://x/"})
        if "count-tokens" in request.raw_path:
            return web.json_response({"inputTokens": 7})
        if request.raw_path.startswith("/foundation-models"):
            return web.json_response(
                {
                    "modelSummaries": [
                        {"modelId": "a.on-demand"},
                        {"modelId": "a.b", "inferenceTypesSupported": ["PROVISIONED"]},
                    ]
                }
            )
        if request.raw_path.startswith("/inference-profiles"):
            more = {} if request.query.get("nextToken") == "x/" else {"nextToken": "x/"}
            profile = {
                "inferenceProfileId": f"us.{len(more)}",
                "inferenceProfileArn": "arn:p",
                "type": "SYSTEM_DEFINED",
            }
            return web.json_response({"inferenceProfileSummaries": [profile], **more})
        route = find_route("POST", request.raw_path, headers)
        assert route is not None
        codec = CODECS["bedrock"]
        asked = codec.read(route, headers, body)
        ids = {"x-amzn-requestid": "req-1"}
        if not asked.stream:
            return web.Response(
                body=codec.write(ANSWER, asked, STAMP), content_type="application/json", headers=ids
            )
        writer = codec.stream_writer(asked, STAMP)
        said = b"".join(event for chunk in chunks_of(ANSWER) for event in writer.write(chunk))
        return web.Response(body=said, headers={"content-type": codec.stream_type(asked), **ids})

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self._server = TestServer(app)
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def provider(self, key: str | KeySource = "", transport: Transport | None = None) -> HttpProvider:
        """Return a provider at Amazon's address without a key, here with one."""
        transport = transport or AutoTransport()
        settings = ProviderSettings(
            name="bedrock",
            transport=transport if key else Diverted(transport, self.url),
            api_key=key,
            base_url=self.url if key else AMAZON,
        )
        provider = find_factory("bedrock")(settings)
        assert isinstance(provider, HttpProvider)
        return provider


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials in the environment, and none anywhere else."""
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def call(**fields: Any) -> ChatCall:
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="Weather?")]
    request = LLMRequest(**{"messages": messages, "max_tokens": 50, **fields})
    return ChatCall(request, ModelRef("bedrock", MODEL))


async def streamed(provider: HttpProvider, asked: ChatCall) -> LLMResponse:
    stream = await provider.stream(asked)
    chunks: list[StreamChunk] = []
    while received := await stream.receive():
        chunks += received
    await stream.finish()
    return collect(chunks)


def signature_of(seen: tuple[str, str, Mapping[str, str], bytes]) -> str:
    """The signature that botocore makes of what was on the wire."""
    method, target, headers, body = seen
    kept = {name: headers[name] for name in ("content-type",) if name in headers}
    asked = AWSRequest(method, AMAZON + target, headers=kept, data=body)
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    auth = SigV4Auth(Keys(*ACCESS.values()), "bedrock", "us-east-1")
    asked.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    asked.headers["X-Amz-Date"] = asked.context["timestamp"]
    asked.headers["X-Amz-Security-Token"] = ACCESS["AWS_SESSION_TOKEN"]
    canonical = auth.canonical_request(asked)
    return str(auth.signature(auth.string_to_sign(asked, canonical), asked))


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_signature_covers_exactly_the_bytes_that_are_sent(kind: str, stream: bool) -> None:
    import httpx

    async with Room() as room, httpx.AsyncClient() as client:
        transport: Transport = AutoTransport() if kind == "aiohttp" else HttpxTransport(client)
        provider = room.provider(transport=transport)
        asked = call()
        answer = await (streamed(provider, asked) if stream else provider.chat(asked))
        await provider.aclose()
        await transport.aclose()

        assert answer.content == ANSWER.content
        (seen,) = room.seen
        assert seen[1].endswith("/converse-stream" if stream else "/converse")
        assert seen[2]["x-amz-security-token"] == ACCESS["AWS_SESSION_TOKEN"]
        assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in seen[2]["authorization"]
        assert seen[2]["authorization"].endswith(f"Signature={signature_of(seen)}")


SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tools": {
        "tools": [{"name": "get_weather", "description": "Look.", "parameters": SCHEMA}],
        "tool_choice": "get_weather",
    },
    "parameters": {"temperature": 0.5, "extra_params": {"stop": ["x"], "service_tier": "flex", "top_k": 5}},
    "json": {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": {**SCHEMA, "additionalProperties": False}}}},
    "history": {
        "messages": [
            Message(role="user", content=[{"type": "text", "text": "See."}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]),
            Message(role="assistant", content=None, tool_calls=[tool_call("c1", "get_weather", {"city": "Rome"})]),
            Message(role="tool", content="sunny", tool_call_id="c1"),
        ],
        "tools": [{"name": "get_weather", "parameters": SCHEMA}],
    },
}  # fmt: skip


def asked_of_botocore(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as the arguments of botocore, which takes bytes where the wire has base64."""
    import base64

    def bytes_of(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: base64.b64decode(inner) if name == "bytes" else bytes_of(inner)
                for name, inner in value.items()
            }
        return [bytes_of(inner) for inner in value] if isinstance(value, list) else value

    arguments: dict[str, Any] = bytes_of(body)
    return arguments


def by_botocore(url: str, body: Mapping[str, Any], *, stream: bool) -> Any:
    session = botocore.session.Session()
    client = session.create_client(
        "bedrock-runtime", "us-east-1", endpoint_url=url, config=Config(retries={"total_max_attempts": 1})
    )
    arguments = {"modelId": MODEL, **asked_of_botocore(body)}
    try:
        return list(client.converse_stream(**arguments)["stream"]) if stream else client.converse(**arguments)
    finally:
        client.close()


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("stream", [False, True])
async def test_botocore_takes_the_same_request_and_puts_the_same_json_on_the_wire(
    scenario: str, stream: bool
) -> None:
    async with Room() as room:
        provider = room.provider()
        asked = call(**SCENARIOS[scenario])
        await (streamed(provider, asked) if stream else provider.chat(asked))
        await provider.aclose()
        body = json.loads(room.seen[0][3])
        await anyio.to_thread.run_sync(lambda: by_botocore(room.url, body, stream=stream))
        ours, theirs = room.seen

        assert json.loads(theirs[3]) == body
        assert ours[1].replace(":", "%3A") == theirs[1]
        assert ours[2].keys() & {"authorization", "x-amz-date"} == theirs[2].keys() & {
            "authorization",
            "x-amz-date",
        }


@pytest.mark.usefixtures("signed")
async def test_botocore_reads_the_same_answer() -> None:
    async with Room() as room:
        provider = room.provider()
        whole, read = await provider.chat(call()), await streamed(provider, call())
        await provider.aclose()
        body = json.loads(room.seen[0][3])
        theirs = await anyio.to_thread.run_sync(lambda: by_botocore(room.url, body, stream=False))
        events = await anyio.to_thread.run_sync(lambda: by_botocore(room.url, body, stream=True))

    assert whole.content == read.content == theirs["output"]["message"]["content"][1]["text"]
    assert whole.reasoning == read.reasoning == ANSWER.reasoning
    assert whole.tool_calls == read.tool_calls == ANSWER.tool_calls
    assert whole.request_id == read.request_id == "req-1"
    assert whole.usage is not None
    assert whole.usage == read.usage
    assert theirs["usage"] == {
        "inputTokens": 7,
        "outputTokens": 7,
        "totalTokens": 19,
        "cacheReadInputTokens": 5,
    }
    texts = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "".join(delta.get("text", "") for delta in texts) == read.content
    assert events[-1]["metadata"]["usage"] == theirs["usage"]


async def test_a_key_of_bedrocks_goes_as_a_bearer_token_and_needs_no_botocore(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == "botocore"] + ["botocore"]:
        monkeypatch.setitem(sys.modules, name, None)
    async with Room() as room:
        provider = room.provider("key-hunter2")
        assert (await provider.chat(call())).content == (await streamed(provider, call())).content
        with pytest.raises(MissingSDKError, match=r"llmring\[bedrock\]"):
            _ = provider.client
        await provider.aclose()
        assert {seen[2]["authorization"] for seen in room.seen} == {"Bearer key-hunter2"}
        with pytest.raises(MissingSDKError, match="AWS_BEARER_TOKEN_BEDROCK"):
            await room.provider().chat(call())


EXPIRED = [(403, "ExpiredTokenException", "The security token included in the request is expired: {sent}")]


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("stream", [False, True])
async def test_expired_credentials_are_looked_for_once_more(
    monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    async with Room() as room:
        provider = room.provider()
        await provider.chat(call())
        monkeypatch.setenv("AWS_SESSION_TOKEN", "fresh" * 8)
        room.refusals = [*EXPIRED]
        await (streamed(provider, call()) if stream else provider.chat(call()))
        tokens = [seen[2]["x-amz-security-token"] for seen in room.seen]
        assert tokens == [ACCESS["AWS_SESSION_TOKEN"]] * 2 + ["fresh" * 8]

        room.refusals = EXPIRED * 2
        with pytest.raises(ProviderAuthenticationError) as raised:
            await (streamed(provider, call()) if stream else provider.chat(call()))
        assert (raised.value.status_code, raised.value.code) == (403, "ExpiredToken")
        assert "fresh" not in str(raised.value)
        assert len(room.seen) == 5
        await provider.aclose()


@pytest.mark.usefixtures("signed")
async def test_other_refusals_are_not_sent_again() -> None:
    async with Room() as room:
        provider = room.provider()
        room.refusals = [
            (403, "AccessDeniedException", "You don't have access to the model."),
            (429, "ThrottlingException", "Too many requests."),
        ]
        with pytest.raises(ProviderPermissionError, match="You don't have access"):
            await provider.chat(call())
        with pytest.raises(ProviderRateLimitError):
            await provider.stream(call())
        await provider.aclose()
        assert len(room.seen) == 2


async def test_a_function_gives_keys_and_is_asked_again_when_one_has_expired() -> None:
    keys = iter(["first-hunter2", "second-hunter2"])

    async def give() -> str:
        return next(keys)

    async with Room() as room:
        provider = room.provider(give)
        room.refusals = [(403, "AccessDeniedException", "Bearer Token has expired")]
        await provider.chat(call())
        await provider.aclose()
        assert [seen[2]["authorization"] for seen in room.seen] == [
            "Bearer first-hunter2",
            "Bearer second-hunter2",
        ]
        assert provider.secrets() >= {"first-hunter2", "second-hunter2"}


@pytest.mark.usefixtures("signed")
async def test_models_and_profiles_are_listed_and_tokens_counted() -> None:
    async with Room() as room:
        provider = room.provider()
        assert [facts.model for facts in await provider.models()] == ["a.on-demand", "us.1", "us.0"]
        assert await provider.count_tokens(call(tools=SCENARIOS["tools"]["tools"])) == 7
        await provider.aclose()
        method, target, _, body = room.seen[-1]
        assert (method, target.rpartition("/")[2]) == ("POST", "count-tokens")
        assert json.loads(body)["input"]["converse"].keys() == {"messages", "system", "toolConfig"}
        assert all("AWS4-HMAC-SHA256" in seen[2]["authorization"] for seen in room.seen)


async def test_a_host_that_lists_models_and_profiles_at_once_is_asked_once() -> None:
    names = ["a.b-v1:0", "c.d-v1:0"]
    page = BedrockListing(AMAZON).decode(CODECS["bedrock"].models(names, STAMP))
    assert ([facts.model for facts in page.models], page.next_path) == (names, None)


async def test_credentials_of_a_process_are_renewed_before_they_expire(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    given = {
        "Version": 1,
        "AccessKeyId": "A",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": soon,
    }
    (tmp_path / "keys.json").write_text(json.dumps(given))
    config = tmp_path / "config"
    config.write_text(f"[profile work]\ncredential_process = cat {tmp_path / 'keys.json'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    async with Room() as room:
        provider = room.provider()
        await provider.chat(call())
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        (tmp_path / "keys.json").write_text(json.dumps({**given, "SessionToken": "t2", "Expiration": later}))
        await provider.chat(call())
        await provider.aclose()
        assert [seen[2]["x-amz-security-token"] for seen in room.seen] == ["t", "t2"]


async def test_no_credentials_are_an_error_that_says_how_to_get_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with Room() as room:
        with pytest.raises(ProviderAuthenticationError, match="aws sso login"):
            await room.provider().chat(call())
        assert room.seen == []


@pytest.mark.parametrize(
    ("url", "signed", "region"),
    [
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", True, "eu-west-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", True, "us-gov-west-1"),
        ("https://vpce-1-x.bedrock-runtime.us-east-1.vpce.amazonaws.com", True, "us-east-1"),
        ("https://bedrock-runtime.eu-west-1.api.aws", True, "eu-west-1"),
        ("http://127.0.0.1:8000", False, None),
        ("http://bedrock-runtime.eu-west-1.amazonaws.com", False, "eu-west-1"),
        ("https://amazonaws.com.evil.test", False, None),
        ("https://proxy.test/bedrock", False, None),
    ],
)
def test_signed_requests_go_to_amazon_alone(url: str, signed: bool, region: str | None) -> None:
    assert (may_sign(url), region_of(url)) == (signed, region)


def test_a_client_of_an_sdk_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="takes no client"):
        find_factory("bedrock")(ProviderSettings(name="bedrock", transport=AutoTransport(), client=object()))


@pytest.mark.usefixtures("signed")
async def test_raw_access_is_the_client_of_botocore_with_the_same_key_and_address() -> None:
    async with Room() as room:
        with_key = room.provider("key-hunter2")
        assert with_key.client.meta.config.signature_version == "bearer"  # which it sends over TLS alone
        assert with_key.client.meta.endpoint_url == room.url
        assert "hunter2" not in repr(with_key)
        await with_key.aclose()
        client = build_client(api_key="", base_url=room.url)
        await anyio.to_thread.run_sync(
            lambda: client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
        )
        assert room.seen[0][2]["authorization"].startswith("AWS4-HMAC-SHA256")
        client.close()


async def test_an_address_that_is_not_amazons_gets_no_signature() -> None:
    async with Room() as room:
        settings = ProviderSettings(name="bedrock", transport=AutoTransport(), base_url=room.url)
        await find_factory("bedrock")(settings).chat(call())
        assert "authorization" not in room.seen[0][2]
