"""Media that a model takes, whatever the provider; the rest asks the pool's next member."""

import base64
from typing import Any

import msgspec
import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.ollama import OllamaAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError, ValidationError

ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
    "ollama": OllamaAdapter(),
}
MODELS = [
    "openai:gpt-4o",
    "openai:o3-pro",
    "anthropic:claude-haiku-4-5",
    "google:gemini-2.5-flash",
    "ollama:llava",
]
BYTES = {
    "png": b"\x89PNG\r\n\x1a\n0000",
    "jpeg": b"\xff\xd8\xff\xe00000000000",
    "gif": b"GIF89a000000",
    "webp": b"RIFF0000WEBP",
    "bmp": b"BM0000000000",
    "svg+xml": b"<svg></svg>",
    "tiff": b"II*\x00000000",
}
WAV = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}


def image(kind: str, data: bytes) -> dict[str, Any]:
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"},
    }


def sent(model: str, part: dict[str, Any], host: str | None = None, role: Any = "user") -> dict[str, Any]:
    provider, name = model.split(":")
    call = ChatCall(LLMRequest([Message(role=role, content=[part])]), ModelRef(provider, name), host=host)
    body: dict[str, Any] = msgspec.json.decode(ADAPTERS[provider].encode(call, stream=False).body)
    return body


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["svg+xml", "bmp", "tiff"])
def test_images_that_no_vendor_reads_are_refused(model: str, kind: str) -> None:
    with pytest.raises(UnsupportedContentError, match=f"image/{kind[:3]}") as caught:
        sent(model, image(kind, BYTES[kind]))
    assert caught.value.fails_over
    assert caught.value.part == "image_url"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("url", ["chart.png", "/home/me/chart.png", r"C:\chart.png", "file:///chart.png", ""])
@pytest.mark.parametrize("kind", ["url in a dict", "bare url", "source"])
def test_a_file_of_this_machine_is_refused_with_the_way_to_send_it(model: str, url: str, kind: str) -> None:
    part: dict[str, Any] = {"type": "image_url", "image_url": url if kind == "bare url" else {"url": url}}
    if kind == "source":
        part = {"type": "image", "source": {"type": "url", "url": url}}
    with pytest.raises(UnsupportedContentError, match=r"For a file: llmring\.content\.image\(path\)"):
        sent(model, part)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "part",
    [
        image("png", b""),
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": " \n"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,", "filename": "a.pdf"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    ],
)
def test_media_without_bytes_is_refused(model: str, part: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedContentError, match="no data in it"):
        sent(model, part)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("told", ["png", "jpeg", "webp", "JPG", "bmp"])
def test_an_image_is_said_to_be_what_its_bytes_are(model: str, kind: str, told: str) -> None:
    body = str(sent(model, image(told, BYTES[kind])))
    kinds = {other for other in BYTES if f"image/{other}" in body}
    assert kinds == (set() if model == "ollama:llava" else {kind})  # Ollama takes bytes alone
    assert base64.b64encode(BYTES[kind]).decode() in body


@pytest.mark.parametrize(
    ("model", "taken"),
    [("openai:gpt-4o", True), ("openai:o3-pro", True), ("anthropic:claude-haiku-4-5", True), ("google:gemini-2.5-flash", False), ("ollama:llava", False)],
)  # fmt: skip
def test_a_gif_is_sent_where_it_is_read(model: str, taken: bool) -> None:
    if taken:
        assert "image/gif" in str(sent(model, image("gif", BYTES["gif"])))
    else:
        with pytest.raises(UnsupportedContentError, match="image/gif"):
            sent(model, image("gif", BYTES["gif"]))


ODD = BYTES["png"] + b"\xfb\xff\xbe\xfb"
STANDARD = base64.b64encode(ODD).decode()
SAFE = base64.urlsafe_b64encode(ODD).decode()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "written", [SAFE, STANDARD.rstrip("="), SAFE.rstrip("="), f" {STANDARD[:9]}\n{STANDARD[9:]}"]
)
def test_base64_goes_out_in_the_form_that_all_vendors_read(model: str, written: str) -> None:
    assert STANDARD.endswith("=")
    assert STANDARD != SAFE
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;charset=utf-8;base64,{written}"}}
    source = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": written}}
    for part in (url, source):
        body = str(sent(model, part))
        assert f"{STANDARD}'" in body
        assert "charset" not in body


@pytest.mark.parametrize("model", ["openai:gpt-4o", "openai:gpt-5.4"])
def test_an_image_in_instructions_goes_to_the_responses_api_at_openai_itself(model: str) -> None:
    assert "input" in sent(model, image("png", BYTES["png"]), host="api.openai.com", role="system")
    with pytest.raises(UnsupportedContentError):
        sent(model, image("png", BYTES["png"]), host="gateway.test", role="system")


@pytest.mark.parametrize("model", MODELS)
def test_a_data_url_that_is_not_base64_becomes_one(model: str) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png,%89PNG%0D%0A%1A%0A0000"}}
    assert base64.b64encode(BYTES["png"]).decode() in str(sent(model, part))


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        ("openai:gpt-audio", True),
        ("openai:gpt-4o-audio-preview", True),
        ("openai:vendor/model", True),
        ("google:gemini-2.5-flash", True),
        ("openai:gpt-4o", False),
        ("openai:gpt-5.2", False),
        ("openai:o3-pro", False),
        ("anthropic:claude-haiku-4-5", False),
        ("ollama:llava", False),
    ],
)
def test_sound_goes_to_models_that_hear(model: str, taken: bool) -> None:
    if taken:
        assert "QQ==" in str(sent(model, WAV))
    else:
        with pytest.raises(UnsupportedContentError):
            sent(model, WAV)


@pytest.mark.parametrize("model", ["gpt-3.5-turbo", "gpt-4", "o3-mini", "o1-mini"])
def test_models_that_read_text_alone_get_no_images(model: str) -> None:
    with pytest.raises(UnsupportedContentError, match="takes text alone"):
        sent(f"openai:{model}", image("png", BYTES["png"]))
    part = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    with pytest.raises(UnsupportedContentError, match="takes text alone"):
        sent(f"openai:{model}", part)


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FILES: list[dict[str, Any]] = [
    {"type": "document", "source": {"type": "base64", "media_type": WORD, "data": "QQ=="}},
    {"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,QQ=="}},
    {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}},
]


@pytest.mark.parametrize("part", FILES)
def test_files_that_chat_completions_refuse_go_to_the_responses_api_at_openai_itself(
    part: dict[str, Any],
) -> None:
    body = sent("openai:gpt-4o", part, host="api.openai.com")
    assert body["input"][0]["content"][0]["type"] == "input_file"
    with pytest.raises(UnsupportedContentError):
        sent("openai:gpt-4o", part, host="127.0.0.1:9")


@pytest.mark.parametrize(("kind", "data"), [("application/pdf", "QQ=="), ("text/plain", "QQ==")])
def test_a_pdf_and_a_text_stay_with_chat_completions(kind: str, data: str) -> None:
    part = {"type": "document", "source": {"type": "base64", "media_type": kind, "data": data}}
    assert "messages" in sent("openai:gpt-4o", part, host="api.openai.com")


@pytest.mark.parametrize("model", ["anthropic:claude-haiku-4-5", "google:gemini-2.5-flash", "ollama:llava"])
def test_a_word_document_asks_the_next_member(model: str) -> None:
    with pytest.raises(UnsupportedContentError):
        sent(model, FILES[0])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_an_image_in_the_form_of_mcp_is_sent_as_any_other(model: str, role: str) -> None:
    data = base64.b64encode(BYTES["png"]).decode()
    neutral = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    ref = ModelRef.parse(model)

    def sent(part: dict[str, Any]) -> bytes | str:
        calls: Any = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
        before = [Message.user("Go"), Message.assistant(tool_calls=calls)] if role == "tool" else []
        said = Message.tool("c", part) if role == "tool" else Message.user(part)
        try:
            return (
                ADAPTERS[ref.provider].encode(ChatCall(LLMRequest([*before, said]), ref), stream=False).body
            )
        except UnsupportedContentError as error:
            return str(error)

    assert sent({"type": "image", "data": data, "mimeType": "image/png"}) == sent(neutral)


def test_a_sound_in_the_form_of_mcp_is_sent_as_any_other() -> None:
    ref = ModelRef.parse("google:gemini-2.5-flash")
    for part in ({"type": "audio", "data": "QQ==", "mimeType": "audio/x-wav"}, WAV):
        wire = GoogleAdapter().encode(ChatCall(LLMRequest([Message.user(part)]), ref), stream=False)
        assert b'"data":"QQ=="' in wire.body


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_without_a_name_is_refused_and_not_renamed(model: str) -> None:
    ref = ModelRef.parse(model)
    request = LLMRequest([Message.user("Hi")], tools=[{"name": "", "inputSchema": {"type": "object"}}])
    with pytest.raises(ValidationError, match="without a name"):
        ADAPTERS[ref.provider].encode(ChatCall(request, ref), stream=False)


@pytest.mark.parametrize(
    ("told", "kind"),
    [("image/pjpeg", "image/jpeg"), ("image/x-png", "image/png"), ("image/JPG", "image/jpeg")],
)
def test_old_names_of_media_types_are_put_right_where_the_bytes_say_nothing(told: str, kind: str) -> None:
    body = sent(
        "openai:gpt-4o", {"type": "image_url", "image_url": {"url": f"data:{told};base64,AAAAAAAAAAAAAAAA"}}
    )
    assert body["messages"][0]["content"][0]["image_url"]["url"].startswith(f"data:{kind};")


def test_what_begins_as_webp_does_and_is_none_keeps_its_name() -> None:
    data = base64.b64encode(b"RIFF0000WAVE").decode()
    body = sent("openai:gpt-4o", {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
    assert body["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;")
