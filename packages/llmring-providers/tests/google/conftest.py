"""What the tests of the Gemini adapter share: calls, and the recordings beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llmring_providers import ChatCall, WireRequest
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef

_RECORDINGS = Path(__file__).parent.parent / "recordings" / "google"


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], bytes]:
    """The body of a recorded answer, by the end of the recording's id."""

    def body(name: str) -> bytes:
        (path,) = _RECORDINGS.glob(f"*{name}.json")
        text: str = json.loads(path.read_text("utf-8"))["response"]["body_text"]
        return text.encode()

    return body


@pytest.fixture(scope="session")
def call_with() -> Callable[..., ChatCall]:
    """Builds a call; the arguments are those of a request."""

    def build(model: str = "gemini-2.5-flash", facts: ModelFacts | None = None, **request: Any) -> ChatCall:
        request.setdefault("messages", [Message(role="user", content="Hi")])
        return ChatCall(LLMRequest(**request), ModelRef("google", model), facts)

    return build


@pytest.fixture(scope="session")
def call(call_with: Callable[..., ChatCall]) -> ChatCall:
    return call_with()


@pytest.fixture(scope="session")
def wire() -> WireRequest:
    """A request with nothing that its decoder must know."""
    return WireRequest(path="", body=b"")
