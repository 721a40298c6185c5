"""Images and sound that a model made, read from what the provider said (``native``) when somebody looks at them.

Forms: Gemini's ``inlineData`` parts (https://ai.google.dev/api/caching#Blob), items ``image_generation_call`` of the
responses API of OpenAI (https://platform.openai.com/docs/guides/tools-image-generation), the ``audio`` of its chat
completions (https://platform.openai.com/docs/guides/audio), and the ``images`` of OpenRouter's
(https://openrouter.ai/docs/features/multimodal/image-generation).
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_SOUNDS = (
    (b"RIFF", "audio/wav"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_PCM = "audio/L16;rate=24000"
"""OpenAI's ``pcm16``, the one form without a mark of its own: 16 bits, 24 kHz, one channel, little-endian."""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """An image or a sound that a model made.

    Attributes:
        media_type: such as ``image/png``.
        data: its bytes; empty where the provider gives an address only.
        url: where it can be fetched, in that case.
        transcript: what is said in a sound, where the provider tells.
    """

    media_type: str
    data: bytes = b""
    url: str | None = None
    transcript: str | None = None

    def __repr__(self) -> str:
        what = self.url or f"{len(self.data):,} bytes"
        return f"Media(media_type={self.media_type!r}, {what})"


def images_of(native: Mapping[str, Any] | None) -> list[Media]:
    """Return the images in an answer, in order; what cannot be read as one is left out."""
    return [media for media in _media(native) if media.media_type.startswith("image/")]


def audio_of(native: Mapping[str, Any] | None) -> list[Media]:
    """Return the sounds in an answer, in order; what cannot be read as one is left out."""
    return [media for media in _media(native) if media.media_type.startswith("audio/")]


def _media(native: Mapping[str, Any] | None) -> Iterator[Media]:
    if native is None:
        return
    for block in _objects(native.get("replay")):
        inline = block.get("inlineData")
        if isinstance(inline, Mapping) and not block.get("thought"):
            yield from _made(str(inline.get("mimeType")), inline.get("data"))
        elif block.get("type") == "image_generation_call":
            yield from _made(f"image/{block.get('output_format') or 'png'}", block.get("result"))
    for image in _objects(native.get("images")):
        inner = image.get("image_url")
        url = inner.get("url") if isinstance(inner, Mapping) else inner
        if isinstance(url, str):
            yield from _from_url(url)
    sound = native.get("audio")
    if isinstance(sound, Mapping):
        for media in _made("", sound.get("data")):
            transcript = sound.get("transcript")
            kind = next((kind for mark, kind in _SOUNDS if media.data.startswith(mark)), _PCM)
            yield Media(
                media_type=kind,
                data=media.data,
                transcript=transcript if isinstance(transcript, str) else None,
            )


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def _made(kind: str, data: object) -> Iterator[Media]:
    if not isinstance(data, str) or not data:
        return
    try:
        yield Media(media_type=kind, data=base64.b64decode(data, validate=True))
    except ValueError:
        return


def _from_url(url: str) -> Iterator[Media]:
    head, comma, data = url.partition(",")
    if url[:5].lower() == "data:" and comma:
        yield from _made(head[5:].partition(";")[0] or "image/png", data)
    else:
        yield Media(media_type="image/*", url=url)
