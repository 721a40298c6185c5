"""Parts of messages become content blocks, or the error that names them."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import Message, Role, tool_call
from llmring_types.exceptions import UnsupportedContentError

Encoded = Callable[..., tuple[dict[str, Any], tuple[str, ...]]]

PNG = "iVBORw0KGgo="
DATA = {"image/png": PNG, "image/jpeg": "/9j/4A==", "image/webp": "UklGRgAAAABXRUJQ", "image/gif": "R0lGODlh"}
PDF = "JVBERi0xLjQ="
NOTE = base64.b64encode("Grüße".encode()).decode()
PDF_SOURCE = {"type": "base64", "media_type": "application/pdf", "data": PDF}
TEXT_SOURCE = {"type": "text", "media_type": "text/plain", "data": "Grüße"}


def image(media_type: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": media_type, "data": DATA[media_type]},
        **more,
    }


def url(address: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": address}}


def document(source: Any, **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, **more}


def base64_of(media_type: Any, data: Any) -> dict[str, Any]:
    return {"type": "base64", "media_type": media_type, "data": data}


TAKEN = [
    pytest.param(url(f"data:image/png;base64,{PNG}"), image("image/png"), id="image data URL"),
    pytest.param(url(f"data:image/JPG;base64,{DATA['image/jpeg']}"), image("image/jpeg"), id="image/jpg"),
    pytest.param(url(f"data:image/webp;charset=utf-8;base64,{DATA['image/webp']}"), image("image/webp"), id="parameters"),
    pytest.param({"type": "image_url", "image_url": f"data:image/gif;base64,{DATA['image/gif']}"}, image("image/gif"), id="bare URL"),
    pytest.param(
        url("https://x.example/a.png"),
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
        id="image URL",
    ),
    pytest.param(
        {**url(f"data:image/png;base64,{PNG}"), "cache_control": {"type": "ephemeral"}},
        image("image/png", cache_control={"type": "ephemeral"}),
        id="cached part",
    ),
    pytest.param(url(f"data:application/pdf;base64,{PDF}"), document(PDF_SOURCE), id="PDF as data URL"),
    pytest.param(document(PDF_SOURCE), document(PDF_SOURCE), id="PDF"),
    pytest.param(
        document(PDF_SOURCE, filename="a.pdf", citations={"enabled": True}, context="c", other=1),
        document(PDF_SOURCE, title="a.pdf", citations={"enabled": True}, context="c"),
        id="PDF with what belongs to it",
    ),
    pytest.param(document(base64_of("text/markdown", NOTE), title="t"), document(TEXT_SOURCE, title="t"), id="text"),
    pytest.param(document(base64_of("application/json", NOTE)), document(TEXT_SOURCE), id="JSON is text"),
    pytest.param(document(base64_of("image/png", PNG)), image("image/png"), id="image as document"),
    pytest.param(document(TEXT_SOURCE), document(TEXT_SOURCE), id="text source"),
    pytest.param(document({"type": "url", "url": "https://x.example/a.pdf"}), document({"type": "url", "url": "https://x.example/a.pdf"}), id="document URL"),
    pytest.param(document({"type": "file", "file_id": "file_1"}), document({"type": "file", "file_id": "file_1"}), id="uploaded document"),
    pytest.param(
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
        document(PDF_SOURCE, title="a.pdf"),
        id="OpenAI's file",
    ),
    pytest.param(image("image/png"), image("image/png"), id="Anthropic's image"),
    pytest.param({"type": "search_result", "source": "s"}, {"type": "search_result", "source": "s"}, id="search result"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "block"), TAKEN)
def test_parts_that_anthropic_takes(part: dict[str, Any], block: dict[str, Any], encoded: Encoded) -> None:
    body, _ = encoded(messages=[Message(role="user", content=[part])])
    assert body["messages"] == [{"role": "user", "content": [block]}]
    made = Message(role="assistant", content="", tool_calls=[tool_call("t", "f", "{}")])
    body, _ = encoded(messages=[made, Message(role="tool", tool_call_id="t", content=[part])])
    assert body["messages"][1]["content"][0]["content"] == [block]


REFUSED = [
    pytest.param({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, id="audio"),
    pytest.param({"type": "video_url", "video_url": {"url": "https://x.example"}}, id="video"),
    pytest.param(url("/tmp/a.png"), id="path"),  # noqa: S108 - no file is touched
    pytest.param(url("gs://bucket/a.png"), id="another scheme"),
    pytest.param(url("data:image/svg+xml;base64,PHN2Zz4="), id="SVG"),
    pytest.param(url("data:image/png;base64"), id="data URL without data"),
    pytest.param(url(None), id="no URL"),
    pytest.param({"type": "image_url"}, id="no image"),
    pytest.param(document(base64_of("application/msword", "x")), id="Word"),
    pytest.param(document(base64_of(None, "x")), id="no media type"),
    pytest.param(document(base64_of("text/plain", "no base64!")), id="broken base64"),
    pytest.param(document(base64_of("text/plain", "/w==")), id="no UTF-8"),
    pytest.param(document(base64_of("text/plain", None)), id="no data"),
    pytest.param(document(None), id="no source"),
    pytest.param({"type": "file", "file": {"file_id": "file-1"}}, id="OpenAI's uploaded file"),
]


def test_a_file_that_is_no_image_goes_as_what_it_is(encoded: Encoded) -> None:
    message = Message(role="user", content=[{"type": "image", "source": PDF_SOURCE}])
    wire, _ = encoded(messages=[message])
    (block,) = wire["messages"][0]["content"]
    assert block == {"type": "document", "source": PDF_SOURCE}


@pytest.mark.parametrize("part", REFUSED)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_parts_that_anthropic_has_no_place_for(
    part: dict[str, Any], role: Role, call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(messages=[Message(role=role, content=[part], tool_call_id="t")])
    with pytest.raises(UnsupportedContentError) as caught:
        AnthropicAdapter().encode(call, stream=False)
    assert (caught.value.provider, caught.value.part) == ("anthropic", part["type"])
    assert repr(part["type"]) in caught.value.message
    assert "anthropic" in caught.value.message


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_text_goes_into_what_the_model_does_not_read_as_a_turn_of_the_user(
    role: Role, call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(messages=[Message(role=role, content=[url(f"data:image/png;base64,{PNG}")])])
    with pytest.raises(UnsupportedContentError, match=role):
        AnthropicAdapter().encode(call, stream=False)


def test_thinking_written_by_hand_passes(encoded: Encoded) -> None:
    thinking = {"type": "thinking", "thinking": "x", "signature": "s"}
    message = Message(role="assistant", content=[thinking], tool_calls=[tool_call("t", "f", "{}")])
    body, _ = encoded(messages=[message, Message(role="tool", tool_call_id="t", content="ok")])
    assert body["messages"][0]["content"][0] == thinking
