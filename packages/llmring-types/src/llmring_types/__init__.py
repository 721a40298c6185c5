"""Messages, requests, responses, model references and errors shared by the llmring packages."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llmring_types import exceptions

if TYPE_CHECKING:
    from llmring_types._collect import ChunkCollector, collect
    from llmring_types._facts import ModelFacts, Prices
    from llmring_types._messages import Message, Role
    from llmring_types._refs import ModelRef
    from llmring_types._request import LLMRequest, ReasoningEffort
    from llmring_types._response import Attempt, FinishReason, LLMResponse, StreamChunk, TokenCounts, Usage
    from llmring_types._tools import FunctionCall, ToolCall, function_spec, tool_call

# Whoever only catches errors does without msgspec, so the types are loaded when they are first used.
_ON_USE = {
    "_collect": ("ChunkCollector", "collect"),
    "_facts": ("ModelFacts", "Prices"),
    "_messages": ("Message", "Role"),
    "_refs": ("ModelRef",),
    "_request": ("LLMRequest", "ReasoningEffort"),
    "_response": ("Attempt", "FinishReason", "LLMResponse", "StreamChunk", "TokenCounts", "Usage"),
    "_tools": ("FunctionCall", "ToolCall", "function_spec", "tool_call"),
}
_MODULE_OF = {name: module for module, names in _ON_USE.items() for name in names}

__all__ = [
    "Attempt",
    "ChunkCollector",
    "FinishReason",
    "FunctionCall",
    "LLMRequest",
    "LLMResponse",
    "Message",
    "ModelFacts",
    "ModelRef",
    "Prices",
    "ReasoningEffort",
    "Role",
    "StreamChunk",
    "TokenCounts",
    "ToolCall",
    "Usage",
    "collect",
    "exceptions",
    "function_spec",
    "tool_call",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
