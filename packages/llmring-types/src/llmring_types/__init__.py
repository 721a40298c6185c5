"""Messages, requests, responses, model references and errors shared by the llmring packages."""

from llmring_types import exceptions
from llmring_types._collect import ChunkCollector, collect
from llmring_types._facts import ModelFacts, Prices
from llmring_types._messages import Message, Role
from llmring_types._refs import ModelRef
from llmring_types._request import LLMRequest, ReasoningEffort
from llmring_types._response import Attempt, FinishReason, LLMResponse, StreamChunk, Usage
from llmring_types._tools import FunctionCall, ToolCall, function_spec, tool_call

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
    "ToolCall",
    "Usage",
    "collect",
    "exceptions",
    "function_spec",
    "tool_call",
]
