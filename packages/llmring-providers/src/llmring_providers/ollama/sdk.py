"""Calls through a client of Ollama's SDK that the user brings."""

from typing import Any

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport import HttpRequest
from llmring_providers.transport._httpx import ClosedStreams, HttpxStream, answer_or_failure, httpx_failures
from llmring_providers.transport.sdk import SdkTransport, private


def transport_through(client: Any) -> SdkTransport:
    """Carry calls through an ``ollama.AsyncClient``.

    Raises:
        ConfigurationError: it is something else.
    """
    import ollama  # noqa: PLC0415 - whoever has a client has imported it

    if not isinstance(client, ollama.AsyncClient):
        raise ConfigurationError(f"client must be an ollama.AsyncClient; got {type(client).__qualname__}")
    http = private(client, "_client", ollama)  # the SDK's own request method only gives parsed answers

    async def post(path: str, request: HttpRequest, closed_streams: ClosedStreams) -> HttpxStream:
        try:
            asked = http.build_request(
                request.method, path, content=request.body, headers=dict(request.headers), timeout=None
            )
            response = await http.send(asked, stream=True)
        except httpx_failures() as error:
            return answer_or_failure(error, request, closed_streams)
        return HttpxStream(response, request, closed_streams)

    return SdkTransport(str(http.base_url), post)
