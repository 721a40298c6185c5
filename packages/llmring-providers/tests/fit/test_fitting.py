"""Content where it may stand, whatever the protocol."""

from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._errors import build
from llmring_providers._fit.fitting import are_plain, fitted
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.openai.chat.request import FIT
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import (
    ProviderBadRequestError,
    ProviderUnsupportedRequestError,
    UnsupportedContentError,
)

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}
CALLS: Any = [{"id": "c1", "type": "function", "function": {"name": "screenshot", "arguments": "{}"}}]
ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
}


def user(content: Any = "x", **more: Any) -> Message:
    return Message(role="user", content=content, **more)


def sent(provider: str, *messages: Message, **more: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    call = ChatCall(LLMRequest(list(messages), **more), ModelRef(provider, "m"))
    wire = ADAPTERS[provider].encode(call, stream=False)
    return msgspec.json.decode(wire.body), wire.warnings


def test_images_of_tool_results_go_behind_the_results() -> None:
    talk = [
        user(),
        Message(role="assistant", content=None, tool_calls=[*CALLS, CALLS[0] | {"id": "c2"}]),
        Message(role="tool", tool_call_id="c1", content=[{"type": "text", "text": "here"}, IMAGE]),
        Message(role="tool", tool_call_id="c2", content=[IMAGE]),
        user("and?"),
    ]
    body, warnings = sent("openai", *talk)
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "user"]
    results = [message["content"] for message in body["messages"][2:4]]
    assert results == [[{"type": "text", "text": "here"}], "[The content is in the next user message.]"]
    parts = body["messages"][4]["content"]
    assert [each["type"] for each in parts] == ["text", "image_url", "text", "image_url", "text"]
    assert "screenshot, call c1" in parts[0]["text"]
    assert parts[-1]["text"] == "and?"
    assert len(warnings) == 1
    assert "tool message was moved" in warnings[0]


def test_media_at_the_end_gets_a_message_of_its_own() -> None:
    talk = [
        user(),
        Message(role="assistant", content=None, tool_calls=CALLS),
        Message(role="tool", tool_call_id="c1", content=[IMAGE]),
    ]
    body, _ = sent("openai", *talk)
    assert body["messages"][-1]["role"] == "user"
    assert body["messages"][-1]["content"][1] == IMAGE


@pytest.mark.parametrize(("role", "part"), [("assistant", IMAGE), ("system", IMAGE), ("tool", PDF)])
def test_other_media_that_only_users_may_send_asks_the_next_member(role: Any, part: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedContentError, match=role) as caught:
        sent("openai", user(), Message(role=role, content=[part], tool_call_id="c1"), user("describe it"))
    assert caught.value.part == part["type"]
    assert caught.value.fails_over


def test_gemini_takes_only_texts_as_instructions() -> None:
    with pytest.raises(UnsupportedContentError, match="only text") as caught:
        sent("google", Message(role="system", content=[IMAGE]), user())
    assert caught.value.part == "system"


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("api.openai.com", "/responses"),
        ("us.api.openai.com", "/responses"),
        ("x.openai.azure.com", "/responses"),
    ],
)
def test_results_with_images_go_to_the_api_that_takes_them_at_openai_itself(host: str, path: str) -> None:
    talk = [user(), Message(role="tool", tool_call_id="c1", content=[IMAGE])]
    call = ChatCall(LLMRequest(talk), ModelRef("openai", "gpt-4o"), host=host)
    assert ADAPTERS["openai"].encode(call, stream=False).path == path


@pytest.mark.parametrize(
    ("model", "effort", "host", "path"),
    [
        ("gpt-5.2", "high", "api.openai.com", "/chat/completions"),
        ("gpt-5.4", None, "api.openai.com", "/chat/completions"),
        ("gpt-5.4", "none", "api.openai.com", "/chat/completions"),
        ("gpt-5.4", "low", "api.openai.com", "/responses"),
        ("gpt-5.4-mini", "low", "127.0.0.1:8080", "/responses"),
        ("gpt-5.4", "low", "gateway.example", "/chat/completions"),
        ("openai/gpt-5.4", "low", "api.openai.com", "/chat/completions"),
        ("gpt-5.5", None, "api.openai.com", "/responses"),
        ("gpt-5.6-sol", None, "api.openai.com", "/responses"),
        ("gpt-5.5", "none", "api.openai.com", "/chat/completions"),
        ("gpt-5.5-chat-latest", None, "api.openai.com", "/chat/completions"),
    ],
)
def test_functions_go_where_openai_takes_them_beside_reasoning(
    model: str, effort: Any, host: str, path: str
) -> None:
    request = LLMRequest([user()], tools=[{"name": "f"}], reasoning_effort=effort)
    call = ChatCall(request, ModelRef("openai", model), host=host)
    assert ADAPTERS["openai"].encode(call, stream=False).path == path


def test_where_a_protocol_takes_it_it_stays() -> None:
    talk = [
        user(),
        Message(role="assistant", content=None, tool_calls=CALLS),
        Message(role="tool", tool_call_id="c1", content=[IMAGE]),
    ]
    body, warnings = sent("anthropic", *talk)
    assert body["messages"][-1]["content"][0]["content"][0]["type"] == "image"
    assert warnings == ()
    body, warnings = sent("openai", *talk, extra_params={"api": "responses"})
    assert body["input"][-1]["output"][0]["type"] == "input_image"
    assert warnings == ()


def test_a_refusal_of_moved_content_asks_the_next_member() -> None:
    talk = [user(), Message(role="tool", tool_call_id="c1", content=[IMAGE])]
    moved = ChatCall(LLMRequest(talk), ModelRef("openai", "m"))
    plain = ChatCall(LLMRequest([user()]), ModelRef("openai", "m"))
    assert type(build(ProviderBadRequestError, "no", moved)) is ProviderUnsupportedRequestError
    assert type(build(ProviderBadRequestError, "no", plain)) is ProviderBadRequestError


@pytest.mark.parametrize("provider", ["anthropic", "google"])
def test_system_messages_alone_are_asked_as_the_user(provider: str) -> None:
    body, warnings = sent(
        provider, Message(role="system", content="be brief"), Message(role="system", content="say hello")
    )
    turns = body["messages"] if provider == "anthropic" else body["contents"]
    assert [turn["role"] for turn in turns] == ["user"]
    assert "say hello" in str(turns)
    assert "last system message" in warnings[0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AA\nAA"}}, "data:image/jpeg;base64,AAAA"),
        ({"type": "image_url", "image_url": "DATA:image/PNG;base64,AA AA"}, "data:image/png;base64,AAAA"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": " AAAA\r\n"}}, "data:image/jpeg;base64,AAAA"),
    ],
)  # fmt: skip
def test_media_types_and_base64_are_put_right(part: dict[str, Any], expected: str) -> None:
    body, _ = sent("openai", user([part]))
    assert body["messages"][0]["content"][0]["image_url"]["url"] == expected


def test_calls_without_an_id_are_paired_with_their_results() -> None:
    calls: Any = [
        {"function": {"name": "f", "arguments": "{}"}},
        {"function": {"name": "g", "arguments": "{}"}},
    ]
    talk = [
        user(),
        Message(role="assistant", content=None, tool_calls=calls),
        *(Message(role="tool", content=each) for each in "12"),
    ]
    body, _ = sent("openai", *talk)
    made = [each["id"] for each in body["messages"][1]["tool_calls"]]
    assert [message["tool_call_id"] for message in body["messages"][2:]] == made
    assert len(set(made)) == 2


def test_names_and_fields_of_messages_are_sent_or_told() -> None:
    talk = [
        user(name="alice b"),
        Message(
            role="assistant", content="y", metadata={"fields": {"reasoning_content": "hm", "mood": "fine"}}
        ),
    ]
    body, warnings = sent("openai", *talk)
    assert body["messages"][0]["name"] == "alice_b"
    assert body["messages"][1]["reasoning_content"] == "hm"
    assert ["mood" in warning for warning in warnings] == [True]
    for provider in ("anthropic", "google", "ollama"):
        _, warnings = sent(provider, *talk)
        assert [word for word in ("name", "reasoning_content", "mood") if word in " ".join(warnings)] == [
            "name",
            "reasoning_content",
            "mood",
        ]


def test_functions_declared_in_geminis_form_are_for_all() -> None:
    tools = [
        {
            "functionDeclarations": [
                {"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"a": {}}}}
            ]
        }
    ]
    body, _ = sent("openai", user(), tools=tools)
    assert body["tools"][0]["function"]["name"] == "f"
    assert "a" in body["tools"][0]["function"]["parameters"]["properties"]


def test_a_request_that_is_taken_as_it_is_is_not_copied() -> None:
    call = ChatCall(
        LLMRequest([user(), user([{"type": "text", "text": "y"}, IMAGE])], tools=[{"name": "f"}]),
        ModelRef("openai", "m"),
    )
    assert fitted(call, FIT, [], plain=are_plain(call.request.messages)) is call


PNG = "data:image/png;base64,iVBORw0KGgo="
FLAT = [
    pytest.param({"type": "input_text", "text": "a"}, {"type": "text", "text": "a"}, id="a text"),
    pytest.param({"type": "input_image", "image_url": PNG, "detail": "low"},
                 {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}, id="an image"),
    pytest.param({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
                 {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}}, id="a file"),
    pytest.param({"type": "input_file", "file_url": "https://x.example/a.pdf"},
                 {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}}, id="a file by its address"),
]  # fmt: skip


@pytest.mark.parametrize("provider", ["anthropic", "google"])
@pytest.mark.parametrize(("flat", "usual"), FLAT)
def test_parts_in_the_form_of_the_responses_api_are_read_by_all(
    flat: dict[str, Any], usual: dict[str, Any], provider: str
) -> None:
    assert sent(provider, user([flat])) == sent(provider, user([usual]))


def test_the_responses_api_gets_its_own_parts_as_they_are() -> None:
    part = {"type": "input_image", "file_id": "file-1", "detail": "high"}
    body, _ = sent("openai", user([part]), extra_params={"api": "responses"})
    assert body["input"][0]["content"] == [part]


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking", "reasoning"])
@pytest.mark.parametrize("provider", ADAPTERS)
def test_reasoning_in_an_answer_of_another_provider_is_left_out(provider: str, kind: str) -> None:
    """https://github.com/anthropics/claude-code/issues/20705 has what Anthropic itself wants of them."""
    said = Message(role="assistant", content=[{"type": kind, "thinking": "t"}, {"type": "text", "text": "y"}])
    body, warnings = sent(provider, user(), said, user())
    if provider == "anthropic" and kind != "reasoning":
        assert body["messages"][1]["content"][0]["type"] == kind
    else:
        assert b'"t"' not in msgspec.json.encode(body)
        assert b'"y"' in msgspec.json.encode(body)
        assert any("the reasoning in an assistant message was left out" in warning for warning in warnings)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_file_without_a_name_gets_one_for_openai(api: str) -> None:
    part = {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}}
    body, _ = sent("openai", user([part]), extra_params={"api": api})
    assert b'"filename":"document.pdf"' in msgspec.json.encode(body)
