"""Calls through a client of Anthropic's SDK that the user brings."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport import HttpRequest
from llmring_providers.transport._httpx import ClosedStreams, HttpxStream, answer_or_failure
from llmring_providers.transport._protocol import BROKEN_OFF, failure
from llmring_providers.transport.sdk import (
    SdkTransport,
    bound_errors,
    opened,
    post_with_stainless,
    private,
    refusal,
)

_EVENT_STREAM = "application/vnd.amazon.eventstream"


def transport_through(client: Any) -> SdkTransport:
    """Carry calls through an ``anthropic.AsyncAnthropic`` or one of its kind, for Bedrock or Vertex, say.

    Raises:
        ConfigurationError: it is something else.
    """
    import anthropic  # noqa: PLC0415 - whoever has a client has imported it
    from anthropic import _base_client  # noqa: PLC0415

    if not isinstance(client, private(_base_client, "AsyncAPIClient", anthropic)):  # what all of them are
        raise ConfigurationError(
            "client must be an anthropic.AsyncAnthropic, AsyncAnthropicBedrock, AsyncAnthropicVertex or the like; "
            f"got {type(client).__qualname__}"
        )
    version = _version_in_body(client)

    bound_errors(private(client, "_client", anthropic))

    async def post(path: str, request: HttpRequest, closed_streams: ClosedStreams) -> HttpxStream:
        content = request.body if version is None else _versioned(request.body, version)
        try:
            response = await post_with_stainless(client, anthropic, path, content, request.headers)
        except anthropic.APIConnectionError as error:
            return answer_or_failure(error, request, closed_streams)
        except anthropic.AnthropicError as error:
            raise refusal(error) from error
        if response.headers.get("content-type", "").startswith(_EVENT_STREAM):
            pieces = _events(response, private(client, "_make_sse_decoder", anthropic)(), request)
            return HttpxStream(response, request, closed_streams, pieces)
        return HttpxStream(response, request, closed_streams)

    return SdkTransport(str(client.base_url), post)


def _version_in_body(client: Any) -> str | None:
    """The clouds that read the version of the API in the body, where a client of theirs puts its own otherwise.

    https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock
    https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
    """
    import anthropic  # noqa: PLC0415 - whoever has a client has imported it

    if isinstance(client, anthropic.AsyncAnthropicBedrock):
        return "bedrock-2023-05-31"
    if isinstance(client, anthropic.AsyncAnthropicVertex):
        return "vertex-2023-10-16"
    return None


def _versioned(body: bytes, version: str) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(body)
    content.setdefault("anthropic_version", version)
    return content


async def _events(response: Any, decoder: Any, request: HttpRequest) -> AsyncGenerator[bytes, None]:
    """Turn Amazon's binary event stream, which the SDK decodes in private, back into server-sent events."""
    from botocore.eventstream import ParserError  # type: ignore[import-untyped] # noqa: PLC0415

    async with (
        contextlib.aclosing(opened(response, request)) as pieces,
        contextlib.aclosing(decoder.aiter_bytes(pieces)) as events,
    ):
        try:
            async for event in events:
                yield f"event: {event.event}\ndata: {event.data}\n\n".encode()
        except ParserError as error:
            raise failure(request.url, BROKEN_OFF) from error
