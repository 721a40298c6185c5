"""Gemini 3 with signatures on the text and on the first of the parallel calls, none of which has an id."""

from typing import Any

from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop, events, halves


def loop() -> Loop:
    ids = ("call_1_0", "call_1_1", "call_1_2")
    thought: dict[str, Any] = {"text": "I ask.", "thought": True}
    text: dict[str, Any] = {"text": "Let me see.", "thoughtSignature": "dGV4dA=="}
    calls: list[dict[str, Any]] = [
        {"functionCall": {"name": "weather", "args": PARIS}, "thoughtSignature": "c2lnbmF0dXJl"},
        {"functionCall": {"name": "weather", "args": ROME}},
        {"functionCall": {"name": "now", "args": {}}},
    ]
    final: list[dict[str, Any]] = [{"text": "Warm.", "thoughtSignature": "bW9yZQ=="}]

    def answer(parts: list[dict[str, Any]], reason: str | None = "STOP") -> dict[str, Any]:
        return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}]}

    def result(name: str, **response: str) -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": response}}

    happened = [
        *(answer([{"text": half, "thought": True}], None) for half in halves("I ask.")),
        *(answer([part], None) for part in (text, *calls[:2])),
        answer(calls[2:]),
    ]
    return Loop(
        model="google:gemini-3-pro-preview",
        whole=answer([thought, text, *calls]),
        stream=events(happened),
        ids=ids,
        final=answer(final),
        conversation="contents",
        returned=[
            {"role": "model", "parts": [thought, text, *calls]},
            {
                "role": "user",
                "parts": [
                    result("weather", error=FAILED),
                    result("weather", output=FOUND),
                    result("now", output=TIME),
                ],
            },
            {"role": "model", "parts": final},
        ],
    )
