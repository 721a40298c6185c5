"""The recorded exchanges of ``tests/recordings``."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Protocol = Literal["openai chat", "openai responses", "anthropic", "google", "ollama"]

FOLDER = Path(__file__).parents[2] / "recordings"
_PROTOCOLS: dict[tuple[str, str], Protocol] = {
    ("openai", "chat"): "openai chat",
    ("openai", "responses"): "openai responses",
    ("anthropic", "messages"): "anthropic",
    ("gemini", "generateContent"): "google",
    ("gemini", "streamGenerateContent"): "google",
    ("ollama", "chat"): "ollama",
}
_OF_THE_CONNECTION = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection"})


class Recording(NamedTuple):
    """One exchange: what was sent, and the very bytes of the answer."""

    id: str
    protocol: Protocol
    model: str
    stream: bool
    tags: frozenset[str]
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def provider(self) -> str:
        """The first half of references to the model."""
        return self.protocol.partition(" ")[0]

    @property
    def failed(self) -> bool:
        return self.status >= 400


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, in the order of their ids."""
    return tuple(read_recording(path) for path in sorted(FOLDER.glob("*/*.json")))


def read_recording(path: Path) -> Recording:
    """Read one file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    answer = document["response"]
    return Recording(
        id=document["id"],
        protocol=_PROTOCOLS[document["provider"], document["endpoint"]],
        model=document["model"],
        stream=document["stream"] is True,
        tags=frozenset(document["tags"]),
        request=document["request"]["json"],
        status=answer["status"],
        headers={
            name.lower(): value
            for name, value in answer["headers"].items()
            if name.lower() not in _OF_THE_CONNECTION
        },
        body=answer["body_text"].encode("utf-8", "surrogatepass"),
    )
