"""Images and sound that come in the pieces of a stream are on the answer as bytes, with every protocol."""

import base64
import json
from typing import Any

import pytest
from canned import Answer, Server
from llmring import LLMRequest, LLMRing, Message
from llmring_types import LLMResponse

PNG, WAV = b"\x89PNG\r\n\x1a\n", b"RIFF1234WAVEdata"
PNG_TEXT, WAV_TEXT = base64.b64encode(PNG).decode(), base64.b64encode(WAV).decode()
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "c1", "object": "chat.completion.chunk", "choices": [choice], "usage": USAGE}


# https://ai.google.dev/api/caching#Blob
GEMINI = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Here"}]}}]},
    {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG_TEXT}}],
                },
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
    },
]
# https://platform.openai.com/docs/guides/audio: the transcript and the base64 come in pieces
SPOKEN = [
    chunk({"role": "assistant", "audio": {"id": "a1", "transcript": "He"}}),
    chunk({"audio": {"id": "a1", "transcript": "re"}}),
    chunk({"audio": {"id": "a1", "data": WAV_TEXT[:12]}}),
    chunk({"audio": {"data": WAV_TEXT[12:]}}),
    chunk({}, "stop"),
]
# https://openrouter.ai/docs/features/multimodal/image-generation
OPENROUTER = [
    chunk(
        {
            "role": "assistant",
            "content": "Here",
            "images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_TEXT}"}}],
        }
    ),
    chunk({}, "stop"),
]
# https://platform.openai.com/docs/guides/tools-image-generation
DRAWN = {"type": "image_generation_call", "id": "ig1", "output_format": "png", "result": PNG_TEXT}
WORDS = {
    "type": "message",
    "id": "m1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Here", "annotations": []}],
}
COMPLETED = {
    "id": "r1",
    "model": "gpt-5",
    "status": "completed",
    "output": [DRAWN, WORDS],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}
RESPONSES = [
    {"type": "response.output_item.done", "output_index": 0, "item": DRAWN},
    {
        "type": "response.output_text.delta",
        "item_id": "m1",
        "output_index": 1,
        "content_index": 0,
        "delta": "Here",
    },
    {"type": "response.output_item.done", "output_index": 1, "item": WORDS},
    {"type": "response.completed", "response": COMPLETED},
]
MEDIA = [
    pytest.param("google:gemini-2.5-flash-image", "", GEMINI, {}, "images", id="gemini"),
    pytest.param("openai:gpt-audio", "/v1", SPOKEN, {}, "audio", id="chat"),
    pytest.param(
        "openrouter:google/gemini-2.5-flash-image", "/v1", OPENROUTER, {}, "images", id="openrouter"
    ),
    pytest.param("openai:gpt-5", "/v1", RESPONSES, {"api": "responses"}, "images", id="responses"),
]


async def streamed(model: str, path: str, events: list[dict[str, Any]], extra: dict[str, Any]) -> LLMResponse:
    body = b"".join(
        b"".join([f"event: {event['type']}\n".encode()] if "type" in event else [])
        + f"data: {json.dumps(event)}\n\n".encode()
        for event in events
    )
    if "chunk" in str(events[0].get("object")):
        body += b"data: [DONE]\n\n"
    async with Server() as server, LLMRing() as ring:
        server.answers = [Answer(body, 200, {"content-type": "text/event-stream"})]
        ring.register_provider(model.partition(":")[0], api_key="made-up", base_url=server.url + path)
        request = LLMRequest([Message.user("Draw")], model=model, extra_params=extra)
        stream = ring.chat_stream(request)
        async for _ in stream:
            pass
    assert stream.response is not None
    return stream.response


@pytest.mark.parametrize(("model", "path", "events", "extra", "kind"), MEDIA)
async def test_media_of_a_stream_are_whole(
    model: str, path: str, events: list[dict[str, Any]], extra: dict[str, Any], kind: str
) -> None:
    response = await streamed(model, path, events, extra)
    assert response.content == "Here"
    made = [(each.media_type, each.data) for each in (*response.images, *response.audio)]
    assert made == [("image/png", PNG) if kind == "images" else ("audio/wav", WAV)]
    assert bool(response.images) == (kind == "images")
