"""OpenAI's two protocols as one adapter."""

from collections.abc import Mapping

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring_providers._adapter import StreamDecoder, WireRequest
from llmring_providers._protocol import ChatCall
from llmring_providers.openai import errors
from llmring_providers.openai.chat import request as chat_request
from llmring_providers.openai.chat import response as chat_response
from llmring_providers.openai.chat.stream import ChatStreamDecoder
from llmring_providers.openai.models import needs_responses


class OpenAIAdapter:
    """Chat completions, and the responses API for models that need it.

    ``extra_params={"api": "responses"}`` or ``{"api": "chat"}`` chooses for one request.
    """

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        if _speaks_responses(call):
            from llmring_providers.openai.responses import request as responses_request  # noqa: PLC0415 - for few models

            return responses_request.encode(call, stream=stream)
        return chat_request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
        if wire.path == chat_request.PATH:
            return chat_response.decode(body, call)
        from llmring_providers.openai.responses import response as responses_response  # noqa: PLC0415 - loaded already

        return responses_response.decode(body, call)

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:
        if wire.path == chat_request.PATH:
            return ChatStreamDecoder(call)
        from llmring_providers.openai.responses.stream import ResponsesStreamDecoder  # noqa: PLC0415 - as above

        return ResponsesStreamDecoder(call)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)


def _speaks_responses(call: ChatCall) -> bool:
    wanted = call.request.extra_params.get("api")
    if wanted is None:
        return needs_responses(call)
    if wanted not in ("chat", "responses"):
        raise ValidationError(
            f"extra_params['api'] must be 'chat' or 'responses'; got {wanted!r}",
            field="extra_params['api']",
            value=wanted,
        )
    return bool(wanted == "responses")
