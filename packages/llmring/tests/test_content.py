"""Images, documents and audio as parts, from files, bytes and addresses."""

import base64
import mimetypes
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from llmring import LLMRequest, LLMRing, Message, content, file_utils
from llmring.content import audio, document, image, read_audio, read_document, read_image
from llmring.testing import Simulator
from llmring_types.exceptions import ValidationError


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(bytes(4)))
    + _chunk(b"IEND", b"")
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(20)
GIF = b"GIF89a" + bytes(20)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20)
AVIF = b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00" + bytes(20)
PDF = b"%PDF-1.7\n%\xe2\xe3\n" + b"x" * 50
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)
MP3 = b"ID3\x04\x00\x00\x00" + bytes(20)
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead" + bytes(10)
FLAC = b"fLaC\x00\x00\x00\x22" + bytes(34)


@pytest.mark.parametrize(
    ("data", "kind"), [(PNG, "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp"), (AVIF, "avif")]
)
def test_the_bytes_of_an_image_say_what_it_is(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "chart.txt"  # the name does not count
    path.write_bytes(data)
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    part = {"type": "image_url", "image_url": {"url": url}}
    assert image(path) == image(str(path)) == image(data) == image(memoryview(data)) == image(url) == part


@pytest.mark.parametrize(("data", "form"), [(WAV, "wav"), (MP3, "mp3"), (OGG, "ogg"), (FLAC, "flac")])
def test_the_bytes_of_a_sound_say_what_it_is(data: bytes, form: str) -> None:
    sound = {"data": base64.b64encode(data).decode(), "format": form}
    assert audio(data) == {"type": "input_audio", "input_audio": sound}


def test_documents_have_their_names(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(PDF)
    source = {
        "type": "base64",
        "media_type": "application/pdf",
        "data": base64.b64encode(PDF).decode(),
    }
    assert document(path) == {"type": "document", "source": source, "title": "report.pdf"}
    assert document(PDF) == {"type": "document", "source": source}
    assert document("Zoë".encode(), name="n")["source"]["media_type"] == "text/plain"
    assert document(b"a,b", media_type="text/csv")["source"]["media_type"] == "text/csv"


def test_addresses_are_left_to_the_provider() -> None:
    assert image("https://x.example/a.png", detail="low")["image_url"] == {
        "url": "https://x.example/a.png",
        "detail": "low",
    }
    assert document("http://x.example/a.pdf") == {
        "type": "document",
        "source": {"type": "url", "url": "http://x.example/a.pdf"},
    }
    with pytest.raises(ValidationError, match="address"):
        audio("https://x.example/a.mp3")


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_the_bytes_of_a_data_url_count_before_the_type_that_it_names() -> None:
    assert image(data_url("image/webp", PNG)) == image(PNG)
    strange = data_url("image/x-strange", b"\x00\x01\x02\xff")
    assert image(strange)["image_url"] == {"url": strange}
    assert document("DATA:text/plain;base64,YQ==")["source"] == document(b"a")["source"]


Case = tuple[Callable[[], Any], str]
WRONG: list[Case] = [
    (lambda: image(PDF), "application/pdf, which is no image"),
    (lambda: image(b"some text"), "text/plain, which is no image"),
    (lambda: image(b""), "empty"),
    (lambda: image(PNG, max_bytes=10), "more than 10 bytes"),
    (lambda: document("data:application/pdf;base64,%%"), "no base64"),
    (lambda: image(data_url("image/png", PNG), max_bytes=10), "more than 10 bytes"),
    (lambda: image(data_url("image/png", b"some text")), "text/plain, which is no image"),
    (lambda: image("data:image/png;base64,%%"), "no base64"),
    (lambda: audio(PNG), "no audio"),
    (lambda: document(b"\x00\x01\x02\xff"), "no known type"),
    (lambda: document(b"a\0b"), "no known type"),
]


@pytest.mark.parametrize(("make", "problem"), WRONG)
def test_what_cannot_be_sent_is_refused(make: Callable[[], Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        make()


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        image(tmp_path / "none.png")


def test_a_device_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ValidationError, match="more than 1,000 bytes"):
        document(Path(os.devnull).with_name("zero"), max_bytes=1000)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_files_are_read_off_the_loop(tmp_path: Path, backend: str) -> None:
    (tmp_path / "a").write_bytes(PNG)
    (tmp_path / "b").write_bytes(PDF)
    (tmp_path / "c").write_bytes(WAV)

    async def main() -> None:
        assert await read_image(tmp_path / "a", detail="high") == image(tmp_path / "a", detail="high")
        assert await read_document(tmp_path / "b") == document(tmp_path / "b")
        assert await read_audio(tmp_path / "c") == audio(tmp_path / "c")

    anyio.run(main, backend=backend)


def test_messages_are_made_of_texts_and_parts() -> None:
    picture = image(PNG)
    assert Message.user("Hi") == Message(role="user", content="Hi")
    assert Message.user("Compare", picture, picture).content == [
        {"type": "text", "text": "Compare"},
        picture,
        picture,
    ]
    assert Message.system("Be brief.").role == "system"
    assert Message.assistant().content is None
    assert Message.tool("c1", "3", is_error=True) == Message(
        role="tool", content="3", tool_call_id="c1", metadata={"is_error": True}
    )


@pytest.mark.parametrize("model", ["openai:gpt-4o", "anthropic:claude-haiku-4-5", "google:gemini-2.5-flash"])
async def test_adapters_take_the_parts(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Simulator() as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        async with LLMRing() as ring:
            asked = Message.user("Look", image(PNG), document(PDF))
            response = await ring.chat(LLMRequest(model=model, messages=[asked]))
    assert response.content
    assert not response.warnings


def test_the_helpers_of_the_original_put_the_text_first(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    pdf = tmp_path / "b.pdf"
    pdf.write_bytes(PDF)
    coded = base64.b64encode(PNG * 3).decode()
    text, part = file_utils.analyze_image(str(path), "What?")
    assert (text, part) == ({"type": "text", "text": "What?"}, image(path))
    assert file_utils.create_image_content("https://x.example/a.png") == [image("https://x.example/a.png")]
    assert file_utils.create_file_content(pdf)[0]["type"] == "document"
    assert file_utils.create_file_content(path)[0] == image(path)
    assert file_utils.analyze_file("https://x.example/a.png?b=1")[1]["type"] == "image_url"
    assert file_utils.create_image_content(coded)[0] == image(PNG * 3)
    assert len(file_utils.compare_images(path, path)) == 3
    assert (
        len(file_utils.create_multi_image_content([str(path), {"data": coded, "mime_type": "image/png"}]))
        == 2
    )
    assert file_utils.extract_text_from_image(path)[0]["type"] == "text"
    assert file_utils.create_data_url(path) == image(path)["image_url"]["url"]
    assert file_utils.encode_file_to_base64(path) == base64.b64encode(PNG).decode()
    with pytest.raises(FileNotFoundError):
        file_utils.create_image_content("nowhere.png")


def test_the_helpers_of_the_original_know_files_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(PNG)
    assert file_utils.validate_image_file(path)
    assert file_utils.is_image_file(path)
    assert not file_utils.is_pdf_file(path)
    assert not file_utils.is_document_file(path)
    file_utils.validate_file_for_vision_api(path)
    path.write_bytes(PDF)
    assert file_utils.is_pdf_file(path)
    assert file_utils.is_document_file(path)
    file_utils.validate_file_for_vision_api(path)
    path.write_text("Hello")
    assert not file_utils.validate_image_file(path)
    with pytest.raises(ValueError, match="is text/plain; models with vision take"):
        file_utils.validate_file_for_vision_api(path)
    gone = tmp_path / "gone.png"
    for ask in (
        file_utils.validate_image_file,
        file_utils.is_image_file,
        file_utils.is_pdf_file,
        file_utils.is_document_file,
    ):
        assert not ask(gone)
    with pytest.raises(FileNotFoundError):
        file_utils.validate_file_for_vision_api(gone)


BY_NAME = [
    ("a.png", "image/png"),
    ("a.JPG", "image/jpeg"),
    ("a.gif", "image/gif"),
    ("a.webp", "image/webp"),
    ("a.pdf", "application/pdf"),
    ("a.txt", "text/plain"),
    ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("a.unknown", "application/octet-stream"),
    ("a", "application/octet-stream"),
]


@pytest.mark.parametrize(("name", "kind"), BY_NAME)
@pytest.mark.parametrize("table", ["this machine's", "none"])
def test_names_tell_the_type_on_every_machine(
    name: str, kind: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if table == "none":
        monkeypatch.setattr(mimetypes, "guess_type", mimetypes.MimeTypes(()).guess_type)
    assert file_utils.get_file_mime_type(name) == kind


def test_the_helpers_of_the_original_take_its_arguments_in_its_order() -> None:
    coded = base64.b64encode(PNG * 3).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{coded}"}}
    address = "https://x.example/a.png"
    remote = {"type": "image_url", "image_url": {"url": address}}
    given = {"data": coded, "mime_type": "image/png"}
    assert file_utils.analyze_image(coded, "What?", "image/png") == [{"type": "text", "text": "What?"}, part]
    assert file_utils.extract_text_from_image(coded, "image/png")[1] == part
    assert file_utils.compare_images(given, address, "Which?") == [
        {"type": "text", "text": "Which?"},
        part,
        remote,
    ]
    assert file_utils.create_multi_image_content([address, coded, given]) == [remote, part, part]
    assert file_utils.create_base64_image_content("UklGRiA")[0]["image_url"]["url"].startswith(
        "data:image/jpeg"
    )
    asked = [file_utils.analyze_image(address), file_utils.compare_images(address, address)]
    assert [content[0]["text"] for content in asked] == ["Analyze this image", "Compare these images"]
    assert file_utils.analyze_file(address, mime_type="image/png")[0]["text"] == "Analyze this file"


def test_damaged_base64_is_not_taken_for_the_name_of_a_file() -> None:
    with pytest.raises(ValidationError, match="the text of 201 characters is damaged base64"):
        file_utils.create_image_content("A" * 201)
    with pytest.raises(FileNotFoundError):
        file_utils.create_image_content("A" * 99)


def test_a_large_file_is_refused_by_the_helpers_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    monkeypatch.setattr(content, "MAX_BYTES", 10)
    with pytest.raises(ValidationError, match="more than 10 bytes"):
        file_utils.encode_file_to_base64(path)
