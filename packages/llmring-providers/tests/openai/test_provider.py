"""The provider that references name ``openai``."""

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall, HttpProvider, ProviderSettings, StreamDecoder, find_factory
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.openai.provider import build_client
from llmring_providers.transport import Transport
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef
from llmring_types.exceptions import (
    MissingSDKError,
    ProviderRateLimitError,
    UnsupportedContentError,
    ValidationError,
)


@pytest.fixture
async def transport() -> Transport:
    return AiohttpTransport()


async def test_raw_access_has_the_same_key_and_address(transport: Transport) -> None:
    settings = ProviderSettings(
        name="openai", transport=transport, api_key="sk-test", base_url="https://host/v1/"
    )
    provider = find_factory("openai")(settings)
    assert isinstance(provider, HttpProvider)
    client = provider.client
    assert isinstance(client, openai.AsyncOpenAI)
    assert (client.api_key, str(client.base_url)) == ("sk-test", "https://host/v1/")
    assert "sk-test" not in repr(provider)
    await provider.aclose()


async def test_without_an_address_it_speaks_to_openai(transport: Transport) -> None:
    provider = find_factory("openai")(ProviderSettings(name="openai", transport=transport))
    assert "https://api.openai.com/v1" in repr(provider)


def test_a_missing_sdk_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[openai\]"):
        build_client(api_key="k", base_url="https://host")


CallWith = Callable[..., ChatCall]
ADAPTER = OpenAIAdapter()


def facts(api: str | None) -> ModelFacts:
    return ModelFacts(provider="openai", model="m", api=api)


ROUTES: list[Any] = [
    pytest.param("gpt-4o", None, {}, "/chat/completions", id="usual"),
    pytest.param("gpt-4o", facts("responses"), {}, "/responses", id="the registry says so"),
    pytest.param("gpt-4o", facts(None), {}, "/chat/completions", id="the registry does not know"),
    pytest.param("o1-pro", facts(None), {}, "/responses", id="the name says so"),
    pytest.param("o1-pro", facts("chat"), {}, "/chat/completions", id="the registry knows better"),
    pytest.param("gpt-5.5-pro-2026-04-23", None, {}, "/responses", id="pro"),
    pytest.param("gpt-5.1-codex-max", None, {}, "/responses", id="codex"),
    pytest.param("o4-mini-deep-research", None, {}, "/responses", id="deep research"),
    pytest.param("gpt-5.2-proo", None, {}, "/chat/completions", id="only looks like pro"),
    pytest.param("openai/gpt-5-pro", None, {}, "/chat/completions", id="another host's name"),
    pytest.param("gpt-4o", None, {"api": "responses"}, "/responses", id="asked for"),
    pytest.param("o1-pro", facts("responses"), {"api": "chat"}, "/chat/completions", id="asked for chat"),
]


@pytest.mark.parametrize(("model", "known", "extra", "path"), ROUTES)
def test_the_request_or_the_model_decides_the_api(
    model: str, known: ModelFacts | None, extra: dict[str, Any], path: str, call_with: CallWith
) -> None:
    assert ADAPTER.encode(call_with(model, known, extra_params=extra), stream=False).path == path


@pytest.mark.parametrize(
    ("tool", "host", "path"),
    [
        ({"type": "shell"}, "api.openai.com", "/responses"),
        ({"type": "web_search"}, "api.openai.com", "/responses"),
        ({"type": "web_search"}, "localhost", "/chat/completions"),
        ({"type": "web_search"}, "api.groq.com", "/chat/completions"),
        ({"type": "custom", "custom": {"name": "f"}}, "api.openai.com", "/chat/completions"),
        ({"name": "f", "parameters": {"type": "object"}}, "api.openai.com", "/chat/completions"),
    ],
)
def test_tools_of_openais_own_go_where_it_has_them(
    tool: dict[str, Any], host: str, path: str, call_with: CallWith
) -> None:
    call = call_with("gpt-4o", tools=[tool])._replace(host=host)
    assert ADAPTER.encode(call, stream=False).path == path


def test_an_api_that_does_not_exist_is_a_wrong_value(call_with: CallWith) -> None:
    with pytest.raises(ValidationError, match="'chat' or 'responses'"):
        ADAPTER.encode(call_with(extra_params={"api": "assistants"}), stream=False)


@pytest.mark.parametrize(
    ("api", "name"), [("chat", "chat-267f7e28c964"), ("responses", "responses-d8c4a7fb3a77")]
)
def test_the_answer_is_read_by_the_api_that_was_asked(
    api: str, name: str, call_with: CallWith, recorded: Callable[[str], bytes]
) -> None:
    call = call_with(extra_params={"api": api})
    wire = ADAPTER.encode(call, stream=False)
    assert ADAPTER.decode(recorded(name), call, wire).finish_reason in ("stop", "tool_calls")
    decoder: StreamDecoder = ADAPTER.stream_decoder(call, wire)
    assert (api in type(decoder).__module__, decoder.done) == (True, False)


def test_an_error_is_read_alike_for_both(call: ChatCall) -> None:
    body = b'{"error":{"message":"Slow","code":"rate_limit_exceeded"}}'
    assert isinstance(ADAPTER.error(429, {}, body, call), ProviderRateLimitError)


def test_the_key_goes_into_its_header() -> None:
    assert ADAPTER.auth_headers("k") == {"authorization": "Bearer k"}
    assert ADAPTER.auth_headers("") == {}


_TEXT = st.text(max_size=8)
_PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": _TEXT}),
    st.fixed_dictionaries(
        {"type": st.just("image_url"), "image_url": _TEXT | st.fixed_dictionaries({"url": _TEXT})}
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["document", "image"]),
            "source": st.fixed_dictionaries(
                {"type": st.sampled_from(["base64", "url", "text", "file"])},
                optional={"data": _TEXT, "url": _TEXT, "media_type": _TEXT, "file_id": _TEXT},
            ),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["input_audio", "file", "refusal", "video", "input_text"])}
    ),
)
_CONTENT = _TEXT | st.lists(_PARTS, max_size=3)
_CALLS = st.lists(
    st.builds(
        lambda call_id, name, arguments: {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        _TEXT,
        _TEXT,
        _TEXT,
    ),
    max_size=2,
)
_BLOCKS = st.lists(
    st.dictionaries(
        st.sampled_from(["type", "id", "content", "summary", "tool_calls", "audio"]),
        _TEXT | st.sampled_from(["message", "reasoning", "function_call"]) | st.lists(_TEXT, max_size=2),
    )
    | _TEXT,
    max_size=2,
)
_NATIVE = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["openai", "anthropic"]),
        "api": st.sampled_from(["chat", "responses"]),
        "replay": _BLOCKS,
    }
)
_METADATA = st.none() | st.fixed_dictionaries({}, optional={"native": _NATIVE, "cache_control": st.just({})})
_MESSAGES = st.one_of(
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=_CONTENT, metadata=_METADATA),
    st.builds(Message, role=st.just("tool"), content=_CONTENT, tool_call_id=st.none() | _TEXT),
    st.builds(
        Message,
        role=st.just("assistant"),
        content=st.none() | _CONTENT,
        tool_calls=st.none() | _CALLS,
        metadata=_METADATA,
    ),
)


@given(st.lists(_MESSAGES, max_size=4), st.sampled_from(["chat", "responses"]), st.booleans(), st.booleans())
def test_any_conversation_encodes_or_names_what_it_cannot(
    messages: list[Message], api: str, stream: bool, as_json: bool
) -> None:
    request = LLMRequest(messages, extra_params={"api": api}, json_response=as_json)
    before = msgspec.json.encode(request)
    try:
        wire = ADAPTER.encode(ChatCall(request, ModelRef("openai", "gpt-5")), stream=stream)
    except UnsupportedContentError as error:
        named = error.part
    else:
        named = "nothing"
        assert isinstance(msgspec.json.decode(wire.body), dict)
    assert named
    assert msgspec.json.encode(request) == before
