"""The protocols that the simulator speaks, and which path belongs to which."""

from llmring_providers.sim.dialect import Dialect
from llmring_providers.sim.protocols.openai import OpenAIChat

OPENAI = OpenAIChat()


def dialect_of(path: str) -> Dialect | None:
    """Return the protocol whose chat endpoint has this path, with or without what precedes the version."""
    if path.partition("?")[0].endswith("/chat/completions"):
        return OPENAI
    return None
