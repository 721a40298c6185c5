"""``ollama.AsyncClient``."""

import ollama

from interop.recordings import Recording
from interop.sdks import Refusal, SdkExchange
from interop.sdks.mock import HOST, RecordedHost
from interop.whole import join_lines


async def exchange(recording: Recording) -> SdkExchange:
    """Ask by ``chat(**json)``; what the SDK has no argument for does not occur in the recordings."""
    host = RecordedHost(recording, "/api/chat")
    client = ollama.AsyncClient(host=f"http://{HOST}", transport=host.transport)
    try:
        async with client:
            chat = await client.chat(**{**recording.request, "stream": recording.stream})
            lines = [line.model_dump() async for line in chat] if recording.stream else [chat.model_dump()]
    except ollama.ResponseError as error:
        return SdkExchange(host.body, refusal=Refusal(error.status_code, error.error))
    return SdkExchange(host.body, join_lines(lines))
