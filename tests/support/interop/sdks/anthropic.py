"""``anthropic.AsyncAnthropic``."""

import inspect
from typing import Any

import anthropic

from interop.recordings import Recording
from interop.sdks import Refusal, SdkExchange
from interop.sdks.mock import HOST, RecordedHost
from interop.whole import Document


async def exchange(recording: Recording) -> SdkExchange:
    """Ask by ``create(**json)``, or by ``stream(**json)``, which joins the events by itself."""
    host = RecordedHost(recording, "/v1/messages")
    client = anthropic.AsyncAnthropic(
        api_key="k",
        base_url=f"http://{HOST}",
        http_client=host.client(),
        max_retries=0,
        timeout=9,  # without one the SDK refuses large limits unless they are streamed
    )
    try:
        async with client:
            message = await _ask(client, recording)
    except anthropic.APIStatusError as error:
        said: Any = error.body
        return SdkExchange(
            host.body, refusal=Refusal(error.status_code, said["error"]["message"], error.request_id)
        )
    document: Document = message.model_dump(mode="json")
    return SdkExchange(host.body, document)


async def _ask(client: anthropic.AsyncAnthropic, recording: Recording) -> anthropic.types.Message:
    if recording.stream:
        async with client.messages.stream(**_arguments(client.messages.stream, recording)) as stream:
            return await stream.get_final_message()
    message: anthropic.types.Message = await client.messages.create(
        **_arguments(client.messages.create, recording)
    )
    return message


def _arguments(method: Any, recording: Recording) -> dict[str, Any]:
    """Pass parameters that the newest SDK no longer names, such as ``temperature``, as ``extra_body``."""
    named = inspect.signature(method).parameters
    asked = {name: value for name, value in recording.request.items() if name != "stream"}
    unnamed = {name: asked.pop(name) for name in asked.keys() - named.keys()}
    return {**asked, "extra_body": unnamed}
