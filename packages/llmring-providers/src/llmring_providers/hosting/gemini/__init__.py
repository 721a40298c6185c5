"""Google's generateContent: https://ai.google.dev/api/generate-content"""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import msgspec

from llmring_providers.hosting.codec import HostedRequest, Operation, ProtocolCodec, Route, Stamp
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


class _GenerateCodec(ProtocolCodec):
    """Paths name the model and the action, and streams come in two forms."""

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

    def stream_type(self, asked: HostedRequest) -> str:
        return "text/event-stream" if asked.route.sse else "application/json; charset=UTF-8"


def _models(names: Sequence[str], stamp: Stamp) -> bytes:  # noqa: ARG001 - the list has no times
    """https://ai.google.dev/api/models#method:-models.list"""
    methods = ["generateContent", "countTokens"]
    data = [
        {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
        for name in names
    ]
    return msgspec.json.encode({"models": data})


GEMINI = _GenerateCodec(
    "gemini",
    VENDOR,
    read=read,
    write=whole,
    stream_writer=GenerateStreamWriter,
    error=error_answer,
    models=_models,
    counted=b'{"totalTokens":%d}',  # https://ai.google.dev/api/tokens
    request_id_header="x-goog-request-id",
)
