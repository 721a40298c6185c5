"""Ollama's native chat: https://docs.ollama.com/api/chat"""

from collections.abc import Mapping, Sequence

import msgspec
from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import moment
from llmring_providers.hosting.codec import (
    ErrorAnswer,
    HostedRequest,
    Operation,
    ProtocolName,
    Route,
    Stamp,
    StreamWriter,
)
from llmring_providers.hosting.ollama.request import VENDOR, read
from llmring_providers.hosting.ollama.response import ChatStreamWriter, error_answer, whole
from llmring_providers.hosting.reading import split

_ROUTES: Mapping[tuple[str, str], Operation] = {
    ("POST", "/api/chat"): "chat",
    ("GET", "/api/tags"): "models",
    ("POST", "/api/embed"): "embeddings",
}


class OllamaChat:
    name: ProtocolName = "ollama"
    vendor = VENDOR
    request_id_header = "x-request-id"

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:  # noqa: ARG002
        path, _ = split(target)
        for (verb, end), operation in _ROUTES.items():
            if method == verb and path.endswith(end):
                return Route(protocol=self.name, operation=operation)
        return None

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:  # noqa: ARG002
        return read(route, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return whole(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:  # noqa: ARG002
        return "application/x-ndjson"

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return ChatStreamWriter(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return error_answer(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        """https://docs.ollama.com/api/tags"""
        details = {"format": "gguf", "family": "", "parameter_size": "", "quantization_level": ""}
        common = {"modified_at": moment(stamp.created), "size": 0, "digest": "0" * 64, "details": details}
        return msgspec.json.encode({"models": [{"name": name, "model": name, **common} for name in names]})

    def token_count(self, tokens: int) -> bytes:
        """Count as an answer does; the protocol has no endpoint for it."""
        return b'{"prompt_eval_count":%d}' % tokens
