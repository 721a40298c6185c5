"""The wire protocols that the simulator speaks, seen from the provider's side."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from llmring_types import FinishReason

from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.script import Call
from llmring_providers.sim.tokens import Count

T = TypeVar("T")

_SERVER_ERRORS = 500


class Reply(msgspec.Struct, kw_only=True, frozen=True):
    """An answer ready to be put into a protocol's words.

    Attributes:
        seed: 32 hexadecimal digits; ids are made of it, so that the same call has the same ids.
        calls: one has an id only where the script gives it.
        size: characters of text in one event of a stream.
    """

    seed: str
    text: str
    reasoning: str
    calls: Sequence[Call]
    finish: FinishReason
    stop_word: str | None
    count: Count
    size: int

    def pieces(self, text: str) -> list[str]:
        """Return the text as it is streamed."""
        return [text[start : start + self.size] for start in range(0, len(text), self.size)]

    def id(self, prefix: str, place: int = 0, *, digits: int = 24) -> str:
        """Return an id in the provider's style."""
        return f"{prefix}{(self.seed * 2)[: digits - 2]}{place:02x}"


class Dialect(Protocol):
    """One protocol. Pure: it has no state and does no I/O.

    Attributes:
        name: as in :attr:`Prompt.protocol`.
        stream_type: media type of a streamed answer.
        wait_in_body: an error says in its body when to try again, not in a header.
    """

    name: str
    stream_type: str
    wait_in_body: bool

    def read(self, path: str, body: bytes) -> Prompt:
        """Read a request. ``path`` has its query.

        Raises:
            msgspec.DecodeError: it is not JSON, or a field has another type than the protocol says.
            UnreadablePromptError: a real provider would answer 400.
        """

    def whole(self, prompt: Prompt, reply: Reply) -> bytes:
        """Write the answer as one document."""

    def events(self, prompt: Prompt, reply: Reply) -> list[bytes]:
        """Write the answer as the events of a stream, each with what frames it."""

    def error(self, status: int, message: str | None, retry_after: float | None) -> bytes:
        """Write an error document; without a message, with the words that the provider uses."""

    def error_event(self, status: int, message: str | None) -> bytes:
        """Write an error within a stream."""

    def malformed_event(self) -> bytes:
        """Write an event with data that is not JSON."""

    def headers(self, seed: str) -> Mapping[str, str]:
        """Return the headers of every answer, such as the id of the request."""

    def models(self, names: Sequence[str]) -> bytes:
        """Write the list of models."""


FIXED_TIME = 1_767_225_600
"""The creation time of every simulated answer, in seconds: 2026-01-01. A clock would make answers differ."""

GARBAGE = b'{"simulated": malformed'
"""Data that is not JSON."""


def of_status(table: Mapping[int, T], status: int) -> T:
    """Return what a table has for a status; for one that it lacks, what it has for 400 or 500."""
    found = table.get(status)
    return found if found is not None else table[400 if status < _SERVER_ERRORS else _SERVER_ERRORS]


def server_event(data: Any, name: str = "", *, end: bytes = b"\n") -> bytes:
    """Return a server-sent event; data that is not bytes yet is written as JSON."""
    written: bytes = data if isinstance(data, bytes) else msgspec.json.encode(data)
    head = b"event: " + name.encode() + end if name else b""
    return head + b"data: " + written + end + end
