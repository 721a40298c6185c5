"""The protocols that the simulator speaks, and which path belongs to which."""

from collections.abc import Mapping

from llmring_providers.sim.dialect import Dialect
from llmring_providers.sim.protocols.anthropic.dialect import AnthropicMessages
from llmring_providers.sim.protocols.google.dialect import GoogleGenerate
from llmring_providers.sim.protocols.ollama.dialect import OllamaChat
from llmring_providers.sim.protocols.openai.dialect import OpenAIChat
from llmring_providers.sim.protocols.responses.dialect import OpenAIResponses

OPENAI = OpenAIChat()
RESPONSES = OpenAIResponses()
ANTHROPIC = AnthropicMessages()
GOOGLE = GoogleGenerate(sse=True)
_GOOGLE_ARRAY = GoogleGenerate(sse=False)
OLLAMA = OllamaChat()

_CHAT: Mapping[str, Dialect] = {
    "/chat/completions": OPENAI,
    "/responses": RESPONSES,
    "/messages": ANTHROPIC,
    "/api/chat": OLLAMA,
    ":generateContent": GOOGLE,
}


def chat_dialect(url: str) -> Dialect | None:
    """Return the protocol whose chat endpoint this is. What precedes the known end of the path does not matter."""
    path, _, query = url.partition("?")
    if path.endswith(":streamGenerateContent"):
        return GOOGLE if "alt=sse" in query.split("&") else _GOOGLE_ARRAY
    return next((dialect for end, dialect in _CHAT.items() if path.endswith(end)), None)


def models_dialect(url: str, headers: Mapping[str, str]) -> Dialect | None:
    """Return the protocol whose list of models this is. Some share a path; then their own headers tell."""
    path = url.partition("?")[0]
    if path.endswith("/api/tags"):
        return OLLAMA
    if not path.endswith("/models"):
        return None
    if path.endswith("/v1beta/models") or "x-goog-api-key" in headers:
        return GOOGLE
    return ANTHROPIC if "anthropic-version" in headers else OPENAI
