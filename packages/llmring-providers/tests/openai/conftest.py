"""What the tests of the OpenAI adapter share: calls, and the recordings beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef

_RECORDINGS = Path(__file__).parent.parent / "recordings" / "openai"


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], bytes]:
    """The body of a recorded answer, by the id of the recording without its provider."""

    def body(name: str) -> bytes:
        recording = json.loads((_RECORDINGS / f"openai-{name}.json").read_text("utf-8"))
        text: str = recording["response"]["body_text"]
        return text.encode()

    return body


@pytest.fixture(scope="session")
def call_with() -> Callable[..., ChatCall]:
    """Builds a call; the arguments are those of a request."""

    def build(model: str = "gpt-4o", facts: ModelFacts | None = None, **request: Any) -> ChatCall:
        request.setdefault("messages", [Message(role="user", content="Hi")])
        return ChatCall(LLMRequest(**request), ModelRef("openai", model), facts)

    return build


@pytest.fixture(scope="session")
def call(call_with: Callable[..., ChatCall]) -> ChatCall:
    return call_with()
