"""Images and sound that a model made."""

import base64
from typing import Any

import pytest
from llmring_types import LLMResponse, Media


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def response(**native: Any) -> LLMResponse:
    return LLMResponse(content="", model="p:m", native={"provider": "p", **native})


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "native",
    [
        {"replay": [{"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": b64(PNG)}}]},
        {"replay": [{"type": "image_generation_call", "output_format": "png", "result": b64(PNG)}]},
        {"replay": [{"type": "image_generation_call", "result": b64(PNG)}]},
        {"images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}"}}]},
    ],
)
def test_images_are_bytes_with_their_type_whoever_made_them(native: Any) -> None:
    assert response(**native).images == [Media(media_type="image/png", data=PNG)]
    assert response(**native).audio == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"ID3\4", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"\0\1\2\3", "audio/L16;rate=24000"),
    ],
)
def test_the_bytes_of_a_sound_say_its_type(data: bytes, kind: str) -> None:
    audio = {"id": "a", "data": b64(data), "transcript": "Hello"}
    assert response(audio=audio).audio == [Media(media_type=kind, data=data, transcript="Hello")]


def test_sound_in_parts_of_gemini_is_sound() -> None:
    part = {"inlineData": {"mimeType": "audio/wav", "data": b64(b"RIFF")}}
    found = response(replay=[part])
    assert (found.images, found.audio) == ([], [Media(media_type="audio/wav", data=b"RIFF")])


def test_an_image_elsewhere_has_its_address() -> None:
    (image,) = response(images=[{"image_url": {"url": "https://x.example/a.png"}}]).images
    assert (image.url, image.data) == ("https://x.example/a.png", b"")
    assert "https://x.example/a.png" in repr(image)


@pytest.mark.parametrize(
    "native",
    [
        {},
        {"replay": 5},
        {"replay": [5, {"inlineData": {"mimeType": "image/png", "data": "%%"}}, {"inlineData": None}]},
        {"replay": [{"type": "image_generation_call", "result": None}]},
        {"replay": [{"thought": True, "inlineData": {"mimeType": "image/png", "data": b64(PNG)}}]},
        {"images": [{"image_url": None}, "x"], "audio": {"data": None}},
    ],
)
def test_what_is_no_image_is_left_out(native: Any) -> None:
    assert response(**native).images == []
    assert response(**native).audio == []


def test_an_answer_without_more_has_none() -> None:
    assert LLMResponse(content="Hi", model="p:m").images == []


def test_a_large_image_is_short_in_tracebacks() -> None:
    assert (
        repr(Media(media_type="image/png", data=bytes(5000))) == "Media(media_type='image/png', 5,000 bytes)"
    )
