"""``google.genai.Client``, whose arguments are not JSON: the recorded request is read into its types first."""

from typing import Any

from google import genai
from google.genai import errors, types

from interop.recordings import Recording
from interop.sdks import Refusal, SdkExchange
from interop.sdks.mock import HOST, RecordedHost
from interop.whole import Document, join_candidates


async def exchange(recording: Recording) -> SdkExchange:
    """Ask by ``generate_content`` or ``generate_content_stream``."""
    method = "streamGenerateContent" if recording.stream else "generateContent"
    model = recording.model if "/" in recording.model else f"models/{recording.model}"
    host = RecordedHost(recording, f"/v1/{model}:{method}")
    options = types.HttpOptions(base_url=f"http://{HOST}", httpx_async_client=host.client())
    client = genai.Client(api_key="k", vertexai=False, http_options=options)
    asked = _arguments(recording)
    try:
        if recording.stream:
            stream = await client.aio.models.generate_content_stream(**asked)
            answer = join_candidates([_document(chunk) async for chunk in stream])
        else:
            answer = _document(await client.aio.models.generate_content(**asked))
    except errors.APIError as error:
        return SdkExchange(host.body, refusal=Refusal(error.code, error.message or ""))
    finally:
        client.close()
    return SdkExchange(host.body, answer)


def _arguments(recording: Recording) -> dict[str, Any]:
    body = {name: value for name, value in recording.request.items() if value is not None}
    contents = [types.Content.model_validate(turn) for turn in body.pop("contents")]
    config = types.GenerateContentConfig.model_validate(body.pop("generationConfig", {}) | body)
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    return {"model": recording.model, "contents": contents, "config": config}


def _document(answer: types.GenerateContentResponse) -> Document:
    document: Document = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    return document
