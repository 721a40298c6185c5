"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat"""

from collections.abc import Mapping, Sequence

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.codec import (
    ErrorAnswer,
    HostedRequest,
    ProtocolName,
    Route,
    Stamp,
    StreamWriter,
)
from llmring_providers.hosting.openai_chat.request import VENDOR, read
from llmring_providers.hosting.openai_chat.response import ChatStreamWriter, whole
from llmring_providers.hosting.openai_errors import error_answer, models
from llmring_providers.hosting.reading import split


class OpenAIChat:
    name: ProtocolName = "openai_chat"
    vendor = VENDOR
    request_id_header = "x-request-id"

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:  # noqa: ARG002
        path, _ = split(target)
        if method == "POST" and path.endswith("/chat/completions"):
            return Route(protocol=self.name, operation="chat")
        if method == "POST" and path.endswith("/embeddings"):
            return Route(protocol=self.name, operation="embeddings")
        if method == "GET" and path.endswith("/models"):
            return Route(protocol=self.name, operation="models")
        return None

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG002
        return read(route, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return whole(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:  # noqa: ARG002
        return "text/event-stream; charset=utf-8"

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return ChatStreamWriter(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return error_answer(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        return models(names, stamp)

    def token_count(self, tokens: int) -> bytes:
        """https://platform.openai.com/docs/api-reference/responses/input-tokens"""
        return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens
