"""``openai.AsyncOpenAI``."""

from typing import Any

import openai

from interop.recordings import Recording
from interop.sdks import Refusal, SdkExchange
from interop.sdks.mock import HOST, RecordedHost
from interop.whole import Document, join_chat, join_responses


async def exchange(recording: Recording) -> SdkExchange:
    """Ask by ``create(**json)``."""
    chat = recording.protocol == "openai chat"
    host = RecordedHost(recording, "/v1/chat/completions" if chat else "/v1/responses")
    client = openai.AsyncOpenAI(
        api_key="k", base_url=f"http://{HOST}/v1", http_client=host.client(), max_retries=0
    )
    create: Any = client.chat.completions.create if chat else client.responses.create
    try:
        async with client:
            answer = await _read(await create(**recording.request), recording, chat=chat)
    except openai.APIStatusError as error:
        said: Any = error.body
        return SdkExchange(host.body, refusal=Refusal(error.status_code, said["message"], error.request_id))
    return SdkExchange(host.body, answer)


async def _read(answer: Any, recording: Recording, *, chat: bool) -> Document:
    if not recording.stream:
        document: Document = answer.model_dump(mode="json")
        return document
    events = [event.model_dump(mode="json") async for event in answer]
    return join_chat(events) if chat else join_responses(events)
