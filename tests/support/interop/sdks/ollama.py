"""``ollama.AsyncClient``."""

import json
from typing import Any

import httpx
import ollama

from interop.recordings import Recording
from interop.sdks import Refusal, SdkExchange
from interop.whole import join_lines


async def exchange(recording: Recording) -> SdkExchange:
    """Ask by ``chat(**json)``; what the SDK has no argument for does not occur in the recordings."""
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(recording.status, headers=recording.headers, content=recording.body)

    client = ollama.AsyncClient(host="http://sdk", transport=httpx.MockTransport(answer))
    try:
        async with client:
            chat = await client.chat(**{**recording.request, "stream": recording.stream})
            lines = [line.model_dump() async for line in chat] if recording.stream else [chat.model_dump()]
    except ollama.ResponseError as error:
        return SdkExchange(sent[0], refusal=Refusal(error.status_code, error.error))
    return SdkExchange(sent[0], join_lines(lines))
