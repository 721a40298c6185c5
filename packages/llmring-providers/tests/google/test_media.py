"""Parts of messages that are not text."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.google.request import encode
from llmring_types import Message
from llmring_types.exceptions import UnsupportedContentError

PIXEL = "iVBORw0KGgo="
VERTEX = "publishers/google/models/gemini-2.0-flash"


def part_sent(
    part: dict[str, Any], call_with: Callable[..., ChatCall], name: str = "gemini-2.5-flash"
) -> Any:
    call = call_with(name, messages=[Message(role="user", content=[part])])
    ((sent,),) = [turn["parts"] for turn in json.loads(encode(call, stream=False).body)["contents"]]
    return sent


def inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def file(uri: str, media_type: str | None = None) -> dict[str, Any]:
    return {"fileData": {"fileUri": uri} | ({"mimeType": media_type} if media_type else {})}


def source(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "source": fields}


def image_url(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


FILES_API = "https://generativelanguage.googleapis.com/v1beta/files/abc"
YOUTUBE = "https://www.youtube.com/watch?v=9hE5-98ZeCg"

ROWS: list[Any] = [
    (image_url("data:image/webp;base64,QQ=="), inline("image/webp", "QQ==")),
    (image_url(f"data:;base64,{PIXEL}"), inline("image/png", PIXEL)),
    ({"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"}, inline("image/png", PIXEL)),
    (image_url("data:text/plain;charset=utf-8,a%20b"), inline("text/plain", base64.b64encode(b"a b").decode())),
    (source("image", type="base64", media_type="image/jpeg", data="QQ=="), inline("image/jpeg", "QQ==")),
    (source("document", type="base64", data="JVBERi0="), inline("application/pdf", "JVBERi0=")),
    (source("document", type="text", data="é"), inline("text/plain", base64.b64encode("é".encode()).decode())),
    (source("audio", type="base64", media_type="audio/ogg", data="AA=="), inline("audio/ogg", "AA==")),
    (source("video", type="base64", data="AA=="), inline("video/mp4", "AA==")),
    ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}, inline("audio/mp3", "AA==")),
    ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "flac"}}, inline("audio/flac", "AA==")),
    (
        {"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        inline("application/pdf", "JVBERi0="),
    ),
    (image_url("https://x.org/a.JPG?size=3"), file("https://x.org/a.JPG?size=3", "image/jpeg")),
    (image_url("https://x.org/a"), file("https://x.org/a")),
    (source("document", type="url", url="https://x.org/a.pdf"), file("https://x.org/a.pdf", "application/pdf")),
    (source("document", type="url", url="https://x.org/a", media_type="text/csv"), file("https://x.org/a", "text/csv")),
    ({"type": "file", "file": {"file_id": FILES_API}}, file(FILES_API)),
    (source("video", type="url", url=YOUTUBE), file(YOUTUBE)),
    ({"type": "video_url", "video_url": {"url": "gs://b/a.mp4"}}, file("gs://b/a.mp4", "video/mp4")),
]  # fmt: skip


@pytest.mark.parametrize(("part", "expected"), ROWS)
def test_media_are_sent_as_bytes_or_by_address(
    part: dict[str, Any], expected: dict[str, Any], call_with: Callable[..., ChatCall]
) -> None:
    assert part_sent(part, call_with) == expected


@pytest.mark.parametrize("name", ["gemini-2.0-flash", "gemini-1.5-pro"])
def test_older_models_read_only_googles_own_addresses(name: str, call_with: Callable[..., ChatCall]) -> None:
    assert part_sent(source("video", type="url", url=YOUTUBE), call_with, name) == file(YOUTUBE)
    with pytest.raises(UnsupportedContentError, match="send its bytes instead"):
        part_sent(image_url("https://x.org/a.png"), call_with, name)


def test_vertex_fetches_everything(call_with: Callable[..., ChatCall]) -> None:
    part = source("audio", type="url", url="https://x.org/a.mp3")
    assert part_sent(part, call_with, VERTEX) == file("https://x.org/a.mp3", "audio/mp3")


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "x_url", "x_url": "https://x.org"}, "x_url"),
        ({"type": "hologram"}, "hologram"),
        ({"type": "image_url"}, "image"),
        (image_url(7), "image"),
        (image_url("data:image/png;base64"), "image_url"),
        (image_url("data:image/png;base64,"), "image_url"),
        (image_url("ftp://x.org/a.png"), "image"),
        (source("audio", type="url", url="https://x.org/a.mp3"), "audio"),
        ({"type": "image"}, "image"),
        (source("document", type="base64"), "document"),
        (source("document", type="file", file_id="file-1"), "document"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file"),
        ({"type": "input_audio", "input_audio": {}}, "input_audio"),
    ],
)
def test_what_gemini_cannot_take_is_named(
    part: dict[str, Any], kind: str, call_with: Callable[..., ChatCall]
) -> None:
    with pytest.raises(UnsupportedContentError, match=r"google:gemini-2\.5-flash cannot take") as caught:
        part_sent(part, call_with)
    assert (caught.value.part, caught.value.provider) == (kind, "google")
    assert caught.value.fails_over
