"""How many input tokens a request has: https://platform.claude.com/docs/en/api/messages-count-tokens"""

import msgspec

from llmring_providers._adapter import WireRequest
from llmring_providers._counting import decode_input_tokens, with_fields
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic import request

PATH = f"{request.PATH}/count_tokens"
_COUNTED = frozenset(
    {
        "billing_policy",
        "cache_control",
        "compaction",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "speed",
        "system",
        "thinking",
        "tool_choice",
        "tools",
    }
)
"""What it takes of a message request; it refuses the rest, ``max_tokens`` included."""


class AnthropicCounting:
    """``POST /v1/messages/count_tokens``."""

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(call, stream=False)
        body = msgspec.json.encode(with_fields(wire.body, _COUNTED))
        return WireRequest(path=PATH, body=body, headers=wire.headers, warnings=wire.warnings)

    def decode(self, body: bytes) -> int:
        return decode_input_tokens(body, "anthropic")
