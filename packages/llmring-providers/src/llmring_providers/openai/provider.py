"""OpenAI as a provider: both of its protocols behind one adapter, and its count of tokens."""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError, MalformedResponseError, MissingSDKError, ValidationError
from llmring_types.hosts import Host, host_of

from llmring_providers._fit.names import restored, restoring
from llmring_providers._http.provider import HttpProvider
from llmring_providers._json import reread
from llmring_providers._listing import OpenAIListing, decode_input_tokens, with_fields
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers._settings import AwaitedKeySource, ProviderSettings
from llmring_providers.openai import errors
from llmring_providers.openai.chat import request as chat_request
from llmring_providers.openai.chat import response as chat_response
from llmring_providers.openai.chat.stream import ChatStreamDecoder
from llmring_providers.openai.models import NAMES, needs_responses

COUNT_PATH = "/responses/input_tokens"
_COUNTED = frozenset(
    {
        "conversation",
        "input",
        "instructions",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "reasoning",
        "text",
        "tool_choice",
        "tools",
        "truncation",
    }
)


class OpenAIAdapter:
    """Chat completions, and the responses API for models that need it.

    ``extra_params={"api": "responses"}`` or ``{"api": "chat"}`` chooses for one request.
    """

    def needs_responses(self, call: ChatCall) -> bool:
        """Return whether the call goes to the responses API unless the request chooses."""
        return needs_responses(call)

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        if self._speaks_responses(call):
            from llmring_providers.openai.responses import request as responses_request  # noqa: PLC0415 - for few models

            return responses_request.encode(call, stream=stream)
        return chat_request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
        if wire.path == chat_request.PATH:
            try:
                response = chat_response.decode(body, call)
            except MalformedResponseError as error:
                response = reread(
                    error,
                    lambda data: chat_response.decode(data, call),
                    lambda: ChatStreamDecoder(call),
                    body,
                    call,
                )
            return restored(response, call, NAMES) if response.tool_calls else response
        from llmring_providers.openai.responses import response as responses_response  # noqa: PLC0415 - loaded already
        from llmring_providers.openai.responses.stream import ResponsesStreamDecoder  # noqa: PLC0415 - as above

        try:
            response = responses_response.decode(body, call)
        except MalformedResponseError as error:
            response = reread(
                error,
                lambda data: responses_response.decode(data, call),
                lambda: ResponsesStreamDecoder(call),
                body,
                call,
            )
        return restored(response, call, NAMES) if response.tool_calls else response

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:
        if wire.path == chat_request.PATH:
            decoder = ChatStreamDecoder(call)
            return restoring(decoder, call, NAMES) if call.request.tools else decoder
        from llmring_providers.openai.responses.stream import ResponsesStreamDecoder  # noqa: PLC0415 - as above

        responses_decoder = ResponsesStreamDecoder(call)
        return restoring(responses_decoder, call, NAMES) if call.request.tools else responses_decoder

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)

    def _speaks_responses(self, call: ChatCall) -> bool:
        wanted = call.request.extra_params.get("api")
        if wanted is None:
            return self.needs_responses(call)
        if wanted not in ("chat", "responses"):
            raise ValidationError(
                f"extra_params['api'] must be 'chat' or 'responses'; got {wanted!r}",
                field="extra_params['api']",
                value=wanted,
            )
        return bool(wanted == "responses")


class ResponsesAdapter(OpenAIAdapter):
    """The responses API for every model, on hosts that have it alone or have it best."""

    def needs_responses(self, call: ChatCall) -> bool:  # noqa: ARG002 - whatever the call is
        return True


class OpenAICounting:
    """``POST /responses/input_tokens``, as the responses API takes it: chat completions have no count.

    https://platform.openai.com/docs/api-reference/responses/input-tokens
    """

    def encode(self, call: ChatCall) -> WireRequest:
        from llmring_providers.openai.responses import request  # noqa: PLC0415 - for few models

        wire = request.encode(call, stream=False)
        body = msgspec.json.encode(with_fields(wire.body, _COUNTED))
        return WireRequest(path=COUNT_PATH, body=body, headers=wire.headers, warnings=wire.warnings)

    def decode(self, body: bytes) -> int:
        return decode_input_tokens(body, "openai")


class PlacedProvider(HttpProvider):
    """A host that takes chat completions at a path of its own."""

    chat_path = chat_request.PATH
    _places = True

    def _placed(self, url: str, model: str) -> str:  # noqa: ARG002 - for clouds that have it in the path
        path = url.removeprefix(self.base_url)
        return f"{self.base_url}{self.chat_path}" if path == chat_request.PATH else url


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; without a base URL it speaks to OpenAI itself."""
    host = host_of(settings.name)
    if host.cloud is not None:
        from llmring_providers.openai.azure import create_azure  # noqa: PLC0415 - for two hosts

        return create_azure(settings)
    chat_path = chat_request.PATH if host.quirks is None else host.quirks.chat_path
    kind = HttpProvider if chat_path == chat_request.PATH else PlacedProvider
    provider = kind.from_settings(
        settings,
        adapter=ResponsesAdapter() if host.protocol == "responses" else OpenAIAdapter(),
        base_url=settings.address("openai"),
        client_factory=build_client,
        sdk="llmring_providers.openai.sdk",
        listing=_listing(host),
        counting=OpenAICounting(),
    )
    if isinstance(provider, PlacedProvider):
        provider.chat_path = chat_path
    return provider


def _listing(host: Host) -> OpenAIListing | None:
    if host.models_path is None:
        return None
    unit = None if host.quirks is None else host.quirks.listed_prices
    return OpenAIListing(host.name, host.models_path, unit)


def build_client(*, api_key: str | AwaitedKeySource, base_url: str) -> Any:
    """Return an ``openai.AsyncOpenAI``.

    Raises:
        MissingSDKError: ``openai`` is not installed.
    """
    try:
        import openai  # noqa: PLC0415 - a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to OpenAI needs its SDK: pip install 'llmring[openai]'", original=error
        ) from error
    # Without a key, as local hosts need none, the SDK refuses to start, or takes OpenAI's from the environment.
    return openai.AsyncOpenAI(api_key=api_key or "none", base_url=base_url)
