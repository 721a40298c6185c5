"""What the tests of the Anthropic adapter share: calls, and the recordings beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef

_FOLDER = Path(__file__).parent.parent / "recordings" / "anthropic"

Recording = dict[str, Any]


@pytest.fixture(scope="session")
def recording() -> Callable[[str], Recording]:
    """A recorded exchange, by the end of its id."""

    def load(ending: str) -> Recording:
        (path,) = _FOLDER.glob(f"*{ending}.json")
        found: Recording = json.loads(path.read_text(encoding="utf-8"))
        return found

    return load


@pytest.fixture(scope="session")
def call_with() -> Callable[..., ChatCall]:
    """Builds a call; the arguments are those of a request."""

    def build(model: str = "claude-sonnet-4-5", facts: ModelFacts | None = None, **request: Any) -> ChatCall:
        request.setdefault("messages", [Message(role="user", content="Hi")])
        return ChatCall(LLMRequest(**request), ModelRef("anthropic", model), facts)

    return build


@pytest.fixture(scope="session")
def encoded(call_with: Callable[..., ChatCall]) -> Callable[..., tuple[dict[str, Any], tuple[str, ...]]]:
    """Encodes a call: its body, read again from the bytes, and its warnings."""

    def encode(**request: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
        wire = AnthropicAdapter().encode(call_with(**request), stream=False)
        return json.loads(wire.body), wire.warnings

    return encode
