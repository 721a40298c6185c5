"""The responses API with encrypted reasoning, also between calls."""

from typing import Any

from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop, events, halves, text_of


def loop() -> Loop:
    ids = ("call_a", "call_b", "call_c")

    def reasoning(item_id: str, text: str) -> dict[str, Any]:
        summary = [{"type": "summary_text", "text": text}]
        return {"type": "reasoning", "id": item_id, "summary": summary, "encrypted_content": f"{item_id}=="}

    def message(item_id: str, text: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": []}
        return {
            "type": "message",
            "id": item_id,
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }

    def call(name: str, arguments: str, call_id: str) -> dict[str, Any]:
        item = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name}
        return {**item, "arguments": arguments, "status": "completed"}

    output = [
        reasoning("rs_1", "I ask."),
        message("msg_1", "Let me see."),
        call("weather", text_of(PARIS), "call_a"),
        reasoning("rs_2", "And there."),
        call("weather", text_of(ROME), "call_b"),
        call("now", "{}", "call_c"),
    ]
    final = [reasoning("rs_3", "So."), message("msg_2", "Warm.")]
    whole = {"id": "resp_1", "object": "response", "model": "gpt-5", "status": "completed", "output": output}
    happened: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}
    ]
    for index, item in enumerate(output):
        happened.append({"type": "response.output_item.added", "output_index": index, "item": item})
        if item["type"] == "message":
            happened += [
                {
                    "type": "response.output_text.delta",
                    "output_index": index,
                    "content_index": 0,
                    "delta": half,
                }
                for half in halves("Let me see.")
            ]
        happened.append({"type": "response.output_item.done", "output_index": index, "item": item})
    happened.append({"type": "response.completed", "response": whole})
    return Loop(
        model="openai:gpt-5",
        whole=whole,
        stream=events(happened, named=True),
        ids=ids,
        final={**whole, "output": final},
        conversation="input",
        returned=[
            *output,
            *(
                {"type": "function_call_output", "call_id": call_id, "output": result}
                for call_id, result in zip(ids, (FAILED, FOUND, TIME), strict=True)
            ),
            *final,
        ],
    )
