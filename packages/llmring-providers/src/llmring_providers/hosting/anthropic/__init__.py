"""Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages"""

from collections.abc import Mapping, Sequence

import msgspec
from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import moment
from llmring_providers.hosting.anthropic.messages import VENDOR
from llmring_providers.hosting.anthropic.request import read
from llmring_providers.hosting.anthropic.response import error_answer, whole
from llmring_providers.hosting.anthropic.stream import MessageStreamWriter
from llmring_providers.hosting.codec import (
    ErrorAnswer,
    HostedRequest,
    ProtocolName,
    Route,
    Stamp,
    StreamWriter,
)
from llmring_providers.hosting.reading import split


class AnthropicMessages:
    name: ProtocolName = "anthropic"
    vendor = VENDOR
    request_id_header = "request-id"

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:
        path, _ = split(target)
        if method == "POST" and path.endswith("/messages"):
            return Route(protocol=self.name, operation="chat")
        if method == "POST" and path.endswith("/messages/count_tokens"):
            return Route(protocol=self.name, operation="count_tokens")
        if method == "GET" and path.endswith("/models") and "anthropic-version" in headers:
            return Route(protocol=self.name, operation="models")
        return None

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:
        return read(route, headers, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return whole(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:  # noqa: ARG002
        return "text/event-stream; charset=utf-8"

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return MessageStreamWriter(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return error_answer(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        """https://platform.claude.com/docs/en/api/models-list"""
        created = moment(stamp.created)
        data = [{"type": "model", "id": name, "display_name": name, "created_at": created} for name in names]
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return msgspec.json.encode({"data": data, "has_more": False, **ends})

    def token_count(self, tokens: int) -> bytes:
        """https://platform.claude.com/docs/en/api/messages-count-tokens"""
        return b'{"input_tokens":%d}' % tokens
