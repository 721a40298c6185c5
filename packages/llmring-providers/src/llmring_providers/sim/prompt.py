"""The request to a simulated model, whatever its protocol."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Speaker = Literal["system", "user", "assistant", "tool"]


class Turn(msgspec.Struct, frozen=True):
    """One message, as text; a part that is not text stands there in brackets, such as ``[image]``."""

    role: Speaker
    text: str
    tool: str = ""
    """On a tool's result, the name of the tool where the protocol tells it."""


class Tool(msgspec.Struct, frozen=True):
    name: str
    schema: Mapping[str, Any]


class Prompt(msgspec.Struct, kw_only=True, frozen=True):
    """One chat request, read neutrally.

    Attributes:
        protocol: ``openai``, ``responses``, ``anthropic``, ``google`` or ``ollama``.
        reasoning: reasoning is wanted, and to be shown.
        forced: tools must be called: ``True`` for any, or the name of one; ``False`` where none may be.
        schema: the JSON schema of the answer; empty for any object, ``None`` where no JSON is wanted.
        usage_in_stream: whether a stream is to report usage.
    """

    protocol: str
    model: str
    turns: tuple[Turn, ...]
    stream: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning: bool = False
    tools: tuple[Tool, ...] = ()
    forced: bool | str | None = None
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    usage_in_stream: bool = True

    @property
    def question(self) -> str:
        """The user's last message."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def results(self) -> tuple[Turn, ...]:
        """The tool results at the end of the conversation, oldest first."""
        found = []
        for turn in reversed(self.turns):
            if turn.role != "tool":
                break
            found.append(turn)
        return tuple(reversed(found))


class UnreadablePromptError(Exception):
    """The request is not what its protocol says; a real provider would answer 400 with this text."""
