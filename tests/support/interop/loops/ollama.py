"""Ollama with thinking."""

import json
from typing import Any

from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop, halves


def loop() -> Loop:
    ids = ("call_a", "call_b", "call_c")

    def call(name: str, arguments: dict[str, Any], call_id: str) -> dict[str, Any]:
        return {"id": call_id, "function": {"name": name, "arguments": arguments}}

    calls = [call("weather", PARIS, "call_a"), call("weather", ROME, "call_b"), call("now", {}, "call_c")]

    def line(message: dict[str, Any], *, done: bool = True) -> dict[str, Any]:
        end = {"done_reason": "stop"} if done else {}
        return {"model": "qwen3", "message": {"role": "assistant", **message}, "done": done, **end}

    message = {"content": "Let me see.", "thinking": "I ask.", "tool_calls": calls}
    lines = [
        *(line({"content": "", "thinking": half}, done=False) for half in halves("I ask.")),
        *(line({"content": half}, done=False) for half in halves("Let me see.")),
        *(line({"content": "", "tool_calls": [made]}, done=False) for made in calls),
        line({"content": ""}),
    ]
    return Loop(
        model="ollama:qwen3",
        whole=line(message),
        stream=b"".join(json.dumps(document).encode() + b"\n" for document in lines),
        ids=ids,
        final=line({"content": "Warm.", "thinking": "So."}),
        conversation="messages",
        returned=[
            {
                "role": "assistant",
                **message,
                "tool_calls": [{**made, "type": "function"} for made in calls],
            },
            *(
                {"role": "tool", "content": result, "tool_name": name, "tool_call_id": call_id}
                for name, call_id, result in zip(
                    ("weather", "weather", "now"), ids, (FAILED, FOUND, TIME), strict=True
                )
            ),
            {"role": "assistant", "content": "Warm.", "thinking": "So."},
        ],
    )
