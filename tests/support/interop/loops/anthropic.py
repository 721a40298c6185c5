"""Anthropic with signed and with redacted thinking."""

from typing import Any

from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop, events, halves, text_of


def loop() -> Loop:
    ids = ("toolu_a", "toolu_b", "toolu_c")
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "I ask.", "signature": "c2lnbmF0dXJl"},
        {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_a", "name": "weather", "input": PARIS},
        {"type": "tool_use", "id": "toolu_b", "name": "weather", "input": ROME},
        {"type": "tool_use", "id": "toolu_c", "name": "now", "input": {}},
    ]
    final = [
        {"type": "thinking", "thinking": "So.", "signature": "bW9yZQ=="},
        {"type": "text", "text": "Warm."},
    ]
    envelope = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    usage = {"input_tokens": 9, "output_tokens": 8}
    whole = {**envelope, "content": blocks, "stop_reason": "tool_use", "usage": usage}
    happened: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**envelope, "content": [], "stop_reason": None, "usage": usage}}
    ]
    for index, block in enumerate(blocks):
        begun, deltas = _begun(block)
        happened.append({"type": "content_block_start", "index": index, "content_block": begun})
        happened += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        happened.append({"type": "content_block_stop", "index": index})
    happened += [
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 8}},
        {"type": "message_stop"},
    ]
    results: list[dict[str, Any]] = [
        {"type": "tool_result", "tool_use_id": call_id, "content": result}
        for call_id, result in zip(ids, (FAILED, FOUND, TIME), strict=True)
    ]
    results[0]["is_error"] = True
    return Loop(
        model="anthropic:claude-sonnet-4-5",
        whole=whole,
        stream=events(happened, named=True),
        ids=ids,
        final={**whole, "content": final, "stop_reason": "end_turn"},
        conversation="messages",
        returned=[
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": results},
            {"role": "assistant", "content": final},
        ],
    )


def _begun(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts in a stream, and the pieces that complete it."""
    match block["type"]:
        case "thinking":
            pieces = [{"type": "thinking_delta", "thinking": half} for half in halves(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*pieces, signed]
        case "text":
            pieces = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
            return {"type": "text", "text": ""}, pieces
        case "tool_use":
            text = text_of(block["input"]) if block["input"] else ""
            pieces = [{"type": "input_json_delta", "partial_json": half} for half in ("", *halves(text))]
            return {**block, "input": {}}, pieces
    return block, []
