"""Answers that come in parts, as Mistral's do when the model thinks: https://docs.mistral.ai/capabilities/reasoning/

They go back as they came: without its thinking the model does worse in the next turn.
"""

from collections.abc import Iterable
from typing import Any

from llmring_providers._pieces import Pieces, extended


def parts_text(parts: Iterable[Any]) -> str:
    """Return the text of parts, thinking and other kinds left out."""
    return "".join(map(part_text, parts))


def part_text(part: Any) -> str:
    """Return the text of a part; one of another kind has none."""
    if not isinstance(part, dict) or part.get("type", "text") not in ("text", "output_text"):
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def say_more(parts: Iterable[Any]) -> bool:
    """Whether these are parts, and say more than their text."""
    kinds = {part.get("type") if isinstance(part, dict) else None for part in parts}
    return not kinds <= {"text"} and all(isinstance(kind, str) for kind in kinds)


def gather_parts(parts: list[Any], content: str | list[Any] | None) -> None:
    """Add the content of one chunk of a stream; pieces of one text or thought are one part again, once joined."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    for piece in content or ():
        if not _continues(parts, piece):
            parts.append(piece)


def _continues(parts: list[Any], piece: Any) -> bool:
    last = parts[-1] if parts else None
    if not isinstance(last, dict) or not isinstance(piece, dict) or last.get("type") != piece.get("type"):
        return False
    rest = {name: value for name, value in piece.items() if name not in ("text", "thinking")}
    if isinstance(last.get("text"), (str, Pieces)) and isinstance(piece.get("text"), str):
        last.update(rest, text=extended(last["text"], piece["text"]))
        return True
    thoughts = last.get("thinking")
    if not isinstance(thoughts, list) or not isinstance(piece.get("thinking"), list):
        return False
    gather_parts(thoughts, piece["thinking"])
    last.update(rest)
    return True
