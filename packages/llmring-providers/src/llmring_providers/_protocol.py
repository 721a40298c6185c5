"""The protocol of providers: the one thing to implement for another one."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef, StreamChunk
from llmring_types.hosts import Quirks


class ChatCall(NamedTuple):
    """One request for one model.

    Attributes:
        request: never to be changed; its ``model`` is what the user asked for, not what is to be called.
        ref: the model to call.
        facts: what is known of it, or ``None``.
        progress: to be called by a stream that goes on without a chunk to show for it, in the midst of a long tool call
            say; whoever waits for the next chunk then waits longer.
        host: the host that is asked, with its port: rules of the vendor's own do not hold for others. ``None`` is the
            vendor's.
        quirks: where that host deviates from the protocol; ``None`` where it does not.
    """

    request: LLMRequest
    ref: ModelRef
    facts: ModelFacts | None = None
    progress: Callable[[], None] | None = None
    host: str | None = None
    quirks: Quirks | None = None


class OutputBounds(NamedTuple):
    """Limits on the length of an answer, as a request sets them.

    Attributes:
        limit: most output tokens of one answer, reasoning included; ``None`` where the request sets no limit.
        answers: how many answers it asks for.
    """

    limit: int | None = None
    answers: int = 1


class ProviderStream(Protocol):
    """An answer in chunks."""

    async def receive(self) -> Sequence[StreamChunk]:
        """Return the next chunks, at least one; none at the proper end.

        Raises:
            ProviderError: the provider reported an error, the stream was cut or is malformed.
        """

    def partial(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far: tool calls, usage, ids."""

    async def finish(self) -> None:
        """Give the connection back after the end."""

    def close(self) -> None:
        """Close the connection at once; safe at any time and more than once."""


@runtime_checkable
class BoundsOutput(Protocol):
    """A provider that says how much its requests let a model write, which is what budgets set aside; it need not."""

    def output_bounds(self, call: ChatCall) -> OutputBounds:
        """Return the bounds of the request that would be sent for this call.

        Raises:
            UnsupportedContentError: the provider has no place for a part of it.
        """


class Provider(Protocol):
    """Answers chat calls. It neither retries nor watches the clock: the caller does both, and may cancel it."""

    name: str

    async def chat(self, call: ChatCall) -> LLMResponse:
        """Answer the call.

        Raises:
            LLMRingError: of the type that tells whether another try or another model may help.
        """

    async def stream(self, call: ChatCall) -> ProviderStream:
        """Start the answer; returns once the provider has accepted the call.

        Raises:
            LLMRingError: as for :meth:`chat`.
        """

    async def aclose(self) -> None:
        """Free what the provider holds of its own."""
