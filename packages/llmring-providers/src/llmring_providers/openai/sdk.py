"""Calls through a client of OpenAI's SDK that the user brings."""

from typing import Any

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport import HttpRequest
from llmring_providers.transport._httpx import ClosedStreams, HttpxStream, answer_or_failure
from llmring_providers.transport.sdk import SdkTransport, bound_errors, post_with_stainless, private, refusal


def transport_through(client: Any) -> SdkTransport:
    """Carry calls through an ``openai.AsyncOpenAI`` or one of its kind, such as ``AsyncAzureOpenAI``.

    Raises:
        ConfigurationError: it is something else.
    """
    import httpx2  # noqa: PLC0415 - as below
    import openai  # noqa: PLC0415 - whoever has a client has imported it

    if not isinstance(client, openai.AsyncOpenAI):
        raise ConfigurationError(
            f"client must be an openai.AsyncOpenAI or AsyncAzureOpenAI; got {type(client).__qualname__}"
        )
    # Azure's client reads the model out of a body that is a dict, and puts it into the path.
    parsed = isinstance(client, openai.AsyncAzureOpenAI)

    bound_errors(private(client, "_client", openai))

    async def post(path: str, request: HttpRequest, closed_streams: ClosedStreams) -> HttpxStream:
        content = msgspec.json.decode(request.body) if parsed else request.body
        try:
            response = await post_with_stainless(client, openai, path, content, request.headers)
        except (openai.APIConnectionError, httpx2.HTTPStatusError) as error:
            return answer_or_failure(error, request, closed_streams)
        except openai.OpenAIError as error:
            raise refusal(error) from error
        return HttpxStream(response, request, closed_streams)

    return SdkTransport(str(client.base_url), post)
