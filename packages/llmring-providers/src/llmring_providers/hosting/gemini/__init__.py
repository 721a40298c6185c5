"""Google's generateContent: https://ai.google.dev/api/generate-content"""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import msgspec
from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.codec import (
    ErrorAnswer,
    HostedRequest,
    Operation,
    ProtocolName,
    Route,
    Stamp,
    StreamWriter,
)
from llmring_providers.hosting.gemini.contents import VENDOR
from llmring_providers.hosting.gemini.request import read
from llmring_providers.hosting.gemini.response import GenerateStreamWriter, error_answer, whole
from llmring_providers.hosting.reading import split

_ACTIONS: Mapping[str, Operation] = {
    "generateContent": "chat",
    "streamGenerateContent": "chat",
    "countTokens": "count_tokens",
    "embedContent": "embeddings",
    "batchEmbedContents": "embeddings",
}


class GeminiGenerate:
    name: ProtocolName = "gemini"
    vendor = VENDOR
    request_id_header = "x-goog-request-id"

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:
        path, query = split(target)
        where, colon, action = path.rpartition(":")
        if method == "POST" and colon and action in _ACTIONS:
            stream = action == "streamGenerateContent"
            return Route(
                protocol=self.name,
                operation=_ACTIONS[action],
                model=unquote(where.rpartition("/models/")[2]),
                stream=stream,
                sse=not stream or query.get("alt") == "sse",
            )
        own = path.endswith("/v1beta/models") or "x-goog-api-key" in headers
        if method == "GET" and path.endswith("/models") and own:
            return Route(protocol=self.name, operation="models")
        return None

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG002
        return read(route, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return whole(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:
        return "text/event-stream" if asked.route.sse else "application/json; charset=UTF-8"

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return GenerateStreamWriter(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return error_answer(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:  # noqa: ARG002
        """https://ai.google.dev/api/models#method:-models.list"""
        methods = ["generateContent", "countTokens"]
        data = [
            {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
            for name in names
        ]
        return msgspec.json.encode({"models": data})

    def token_count(self, tokens: int) -> bytes:
        """https://ai.google.dev/api/tokens"""
        return b'{"totalTokens":%d}' % tokens
