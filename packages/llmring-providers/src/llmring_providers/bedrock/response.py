"""An answer of Converse as the neutral response.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

import msgspec
from llmring_types import FinishReason, LLMResponse, ToolCall, Usage, tool_call

from llmring_providers._billing import add_billing, counts_beside_cache
from llmring_providers._fit.history import sealed
from llmring_providers._fit.tools import unquoted
from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall
from llmring_providers.bedrock.errors import reported_error
from llmring_providers.bedrock.messages import text_of
from llmring_providers.bedrock.wire import Ending, WireUsage, decode_answer, decode_json

_FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_SERVER = "server_tool_use"


class Content(NamedTuple):
    """The blocks of an answer.

    Attributes:
        text: what it says.
        reasoning: the thoughts that may be read.
        calls: of functions.
        replay: the blocks themselves where they say more than that; ``None`` where they do not.
    """

    text: str
    reasoning: str
    calls: list[ToolCall]
    replay: list[dict[str, Any]] | None


def decode(body: bytes, call: ChatCall) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is none of Converse.
        ProviderError: an error that came with a status of success.
    """
    try:
        answer = decode_answer(body)
    except DECODE_ERRORS as error:
        raise malformed("the answer is not what Converse says", call, error) from error
    message = answer.output.message if answer.output is not None else None
    if message is None or message.content is None:
        said = decode_json(body)
        if "message" in said or "__type" in said or "Output" in said:
            raise reported_error(said, call)
        raise malformed("the answer has no content", call)
    content = read_blocks(message.content)
    return LLMResponse(
        content=content.text,
        model=str(call.ref),
        usage=usage_of(answer),
        finish_reason=finish_reason(answer.stop_reason or "end_turn", called=bool(content.calls)),
        tool_calls=content.calls or None,
        reasoning=content.reasoning or None,
        provider_finish_reason=answer.stop_reason,
        provider_model=model_of(answer),
        native=native_of(answer, call, content.replay),
    )


def read_blocks(blocks: Iterable[dict[str, Any]]) -> Content:
    """Read the blocks of a message."""
    text, reasoning, plain = "", "", True
    calls: list[ToolCall] = []
    replay: list[dict[str, Any]] = []
    for block in blocks:
        kept, use = block, block.get("toolUse")
        text += text_of(block)
        if isinstance(use, Mapping) and use.get("type") != _SERVER:
            calls.append(_call(use, len(calls)))
            kept = {"toolUse": {**use, "input": _object(use.get("input"))}}
            kept["toolUse"].pop("type", None)
        elif isinstance(thought := block.get("reasoningContent"), Mapping):
            said = thought.get("reasoningText")
            readable: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
            reasoning += str(readable.get("text") or "")
            if not readable.get("signature") and "redactedContent" not in thought:
                continue  # nobody wants back what nobody signed
            plain = False
        elif "text" not in block:
            plain = False
        replay.append(kept)
    return Content(text, reasoning, calls, None if plain else replay)


def _call(use: Mapping[str, Any], place: int) -> ToolCall:
    """Build a call; a stream has the text of its arguments, a whole answer an object."""
    given = use.get("input")
    text = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
    name, call_id = str(use.get("name") or ""), str(use.get("toolUseId") or f"call_{place}")
    return tool_call(call_id, name, unquoted(text) or "{}")


def _object(given: Any) -> Any:
    """Return arguments as they are sent back; of those that the model broke off in, nothing can be."""
    if not isinstance(given, str):
        return given or {}
    try:
        found = decode_json(given or "{}")
    except DECODE_ERRORS:
        return {}
    return found if isinstance(found, dict) else {}


def finish_reason(word: str | None, *, called: bool) -> FinishReason | None:
    """The neutral word; a plain end with tool calls means them."""
    if word is None:
        return None
    found = _FINISH.get(word, "other")
    return "tool_calls" if called and found == "stop" else found


def model_of(ending: Ending) -> str | None:
    """Return the model that a prompt router chose."""
    trace = ending.trace
    router = trace.get("promptRouter") if isinstance(trace, dict) else None
    model = router.get("invokedModelId") if isinstance(router, dict) else None
    return model if isinstance(model, str) else None


def usage_of(ending: Ending) -> Usage | None:
    """Token counts in the neutral keys; cache reads and writes are counted beside the fresh input.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """
    if ending.usage is None:
        return None
    tier = ending.service_tier
    word = tier.get("type") if isinstance(tier, dict) else None
    latency = (
        ending.performance_config.get("latency") if isinstance(ending.performance_config, dict) else None
    )
    named = [
        each for each in (word, latency) if isinstance(each, str) and each not in ("default", "standard")
    ]
    return add_billing(cast("Usage", _counts(ending.usage)), tier="+".join(named) or None)


def _counts(wire: WireUsage) -> dict[str, int]:
    counts = counts_beside_cache(
        given=wire.input_tokens,
        made=wire.output_tokens,
        read=wire.cache_read_input_tokens,
        written=wire.cache_write_input_tokens,
    )
    for detail in wire.cache_details or ():
        if detail.ttl in ("5m", "1h") and detail.input_tokens is not None:
            counts[f"cache_creation_{detail.ttl}_tokens"] = detail.input_tokens
    return counts


def native_of(ending: Ending, call: ChatCall, replay: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """Return the blocks to replay and the content beyond the neutral form, if any."""
    metrics = ending.metrics
    said: dict[str, Any] = {
        "replay": replay,
        "trace": ending.trace,
        "additional_fields": ending.additional_model_response_fields,
        "latency_ms": metrics.get("latencyMs") if isinstance(metrics, dict) else None,
    }
    kept = {name: value for name, value in said.items() if value}
    return {"provider": call.ref.provider, **sealed(kept, call)} if kept else None
