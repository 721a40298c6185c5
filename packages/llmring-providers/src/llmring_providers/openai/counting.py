"""How many input tokens a request has: https://platform.openai.com/docs/api-reference/responses/input-tokens"""

import msgspec

from llmring_providers._adapter import WireRequest
from llmring_providers._counting import decode_input_tokens, with_fields
from llmring_providers._protocol import ChatCall

PATH = "/responses/input_tokens"
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


class OpenAICounting:
    """``POST /responses/input_tokens``, as the responses API takes it: chat completions have no count."""

    def encode(self, call: ChatCall) -> WireRequest:
        from llmring_providers.openai.responses import request  # noqa: PLC0415 - for few models

        wire = request.encode(call, stream=False)
        body = msgspec.json.encode(with_fields(wire.body, _COUNTED))
        return WireRequest(path=PATH, body=body, headers=wire.headers, warnings=wire.warnings)

    def decode(self, body: bytes) -> int:
        return decode_input_tokens(body, "openai")
