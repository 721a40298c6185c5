"""How many input tokens a request has: https://ai.google.dev/api/tokens"""

import msgspec

from llmring_providers._adapter import WireRequest
from llmring_providers._counting import no_count
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall
from llmring_providers.google import request


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: int


class GoogleCounting:
    """``POST models/MODEL:countTokens``, with the whole request, so that system text and tools are counted too."""

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(call, stream=False)
        path = wire.path.removesuffix(":generateContent")
        fields = msgspec.json.decode(wire.body, type=dict[str, msgspec.Raw])
        model = path.removeprefix("/")
        body = msgspec.json.encode({"generateContentRequest": {"model": model, **fields}})
        return WireRequest(
            path=f"{path}:countTokens", body=body, headers=wire.headers, warnings=wire.warnings
        )

    def decode(self, body: bytes) -> int:
        try:
            return msgspec.json.decode(body, type=_Count).total_tokens
        except DECODE_ERRORS as error:
            raise no_count("google", error) from error
