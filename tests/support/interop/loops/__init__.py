"""Tool loops in the vendors' own bytes: an answer that thinks and calls, whole and streamed, and what must go back."""

from interop.loops import anthropic, chat, google, ollama, responses
from interop.loops.loop import FAILED, FOUND, PARIS, ROME, TIME, Loop
from interop.recordings import Protocol

LOOPS: dict[Protocol, Loop] = {
    "openai chat": chat.loop(),
    "openai responses": responses.loop(),
    "anthropic": anthropic.loop(),
    "google": google.loop(),
    "ollama": ollama.loop(),
}

__all__ = ["FAILED", "FOUND", "LOOPS", "PARIS", "ROME", "TIME", "Loop"]
