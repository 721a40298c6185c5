"""Chat completions with reasoning as DeepSeek V4 and its like have it: wanted back once there are tools."""

from typing import Any

from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop, events, halves, text_of


def loop() -> Loop:

    def call(name: str, arguments: str, call_id: str) -> dict[str, Any]:
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    ids = ("call_a", "call_b", "call_c")
    calls = [
        call("weather", text_of(PARIS), "call_a"),
        call("weather", text_of(ROME), "call_b"),
        call("now", "{}", "call_c"),
    ]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "reasoning_content": "I "},
        {"reasoning_content": "ask."},
        {"content": "Let me "},
        {"content": "see."},
    ]
    for index, made in enumerate(calls):
        first, second = halves(made["function"]["arguments"])
        deltas.append({"tool_calls": [{"index": index, **call(made["function"]["name"], "", made["id"])}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in (first, second)
        ]
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": d, "finish_reason": None}]}
        for d in deltas
    ]
    chunks.append(
        {
            "id": "c",
            "model": "m",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
        }
    )
    message = {"role": "assistant", "content": "Let me see.", "reasoning_content": "I ask."}
    return Loop(
        model="openai:m",
        whole={"choices": [{"message": {**message, "tool_calls": calls}, "finish_reason": "tool_calls"}]},
        stream=events(chunks, end=b"data: [DONE]\n\n"),
        ids=ids,
        final={
            "choices": [
                {
                    "message": {"role": "assistant", "content": "Warm.", "reasoning_content": "So."},
                    "finish_reason": "stop",
                }
            ]
        },
        conversation="messages",
        returned=[
            {**message, "tool_calls": calls},
            *(
                {"role": "tool", "tool_call_id": call_id, "content": result}
                for call_id, result in zip(ids, (FAILED, FOUND, TIME), strict=True)
            ),
            {"role": "assistant", "content": "Warm.", "reasoning_content": "So."},
        ],
    )
