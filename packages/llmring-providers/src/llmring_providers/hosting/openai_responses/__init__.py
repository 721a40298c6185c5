"""OpenAI's responses API: https://platform.openai.com/docs/api-reference/responses"""

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
from llmring_providers.hosting.openai_errors import error_answer, models
from llmring_providers.hosting.openai_responses.items import VENDOR
from llmring_providers.hosting.openai_responses.request import read
from llmring_providers.hosting.openai_responses.response import whole
from llmring_providers.hosting.openai_responses.stream import ResponsesStreamWriter
from llmring_providers.hosting.reading import split


class OpenAIResponses:
    name: ProtocolName = "openai_responses"
    vendor = VENDOR
    request_id_header = "x-request-id"

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:  # noqa: ARG002
        path, _ = split(target)
        if method == "POST" and path.endswith("/responses"):
            return Route(protocol=self.name, operation="chat")
        if method == "POST" and path.endswith("/responses/input_tokens"):
            return Route(protocol=self.name, operation="count_tokens")
        return None

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG002
        return read(route, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return whole(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:  # noqa: ARG002
        return "text/event-stream; charset=utf-8"

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return ResponsesStreamWriter(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return error_answer(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        return models(names, stamp)

    def token_count(self, tokens: int) -> bytes:
        """https://platform.openai.com/docs/api-reference/responses/input-tokens"""
        return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens
