"""Responses: whole, or in chunks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, cast

import msgspec

from llmring_types._messages import Message
from llmring_types._pydantic_methods import Model
from llmring_types._rate_limits import RateLimits
from llmring_types._tools import ToolCall

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # a stub that type checkers bring

    from llmring_types._media import Media

    Parsed = TypeVar("Parsed", default=Any)
else:
    from typing import TypeVar

    Parsed = TypeVar("Parsed")
"""The type of :attr:`LLMResponse.parsed`: what ``response_format`` names; ``Any`` where it names no type."""

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


class TokenCounts(TypedDict, total=False):
    """Token counts, with the same keys and meaning for every provider.

    A count that was not reported is absent. ``prompt_tokens`` counts all input (fresh, cache reads and cache
    writes), ``completion_tokens`` all output, reasoning included; ``total_tokens`` is their sum, or the
    provider's own total where it says one.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    cache_creation_5m_tokens: int
    cache_creation_1h_tokens: int
    reasoning_tokens: int


class Usage(TokenCounts, total=False):
    """Token counts and cost of a call."""

    compaction: TokenCounts
    """Tokens spent on summing up the conversation before the answer: billed like the rest, in no count above."""
    service_tier: str
    """Tier that served the call (``flex``, ``priority``, ``batch``, ``fast``); absent for the standard one."""
    web_searches: int
    """Searches that the provider ran for the call, billed beside the tokens; absent for none."""
    reported_cost: float
    """US dollars that the provider itself charges for the call, where it says so."""
    cost: float | None
    """US dollars; ``None`` where it cannot be known, ``cost_status`` then says why."""
    cost_breakdown: dict[str, float]
    cost_status: str
    cost_source: str
    """The source of the price."""


class Attempt(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One try at a member of the pool, or the reason why it was not tried.

    Attributes:
        model: ``provider:model``.
        outcome: ``ok``, ``error``, ``skipped`` (nothing was sent) or ``cancelled``.
        error: the exception's class name.
        message: the exception's text, or why the member was skipped.
        status_code: HTTP status of the failure, where there was one.
        seconds: wall-clock time of the attempt, from the moment it was sent.
        waited_s: seconds before that in llmring's own queues, for a place (``max_concurrent``) or for budget that
            other calls had set aside. No failure of the model, and within no limit but the call's deadline.
        billed: whether the provider charges for it; ``None`` where that cannot be known.
    """

    model: str
    outcome: Literal["ok", "error", "skipped", "cancelled"]
    error: str | None = None
    message: str | None = None
    status_code: int | None = None
    seconds: float = 0.0
    waited_s: float = 0.0
    billed: bool | None = None


class LLMResponse(Model, Generic[Parsed], kw_only=True, omit_defaults=True):
    """A whole answer; ``LLMResponse[City]`` to a request whose ``response_format`` is the type ``City``.

    Attributes:
        content: the text, without reasoning; empty when the model only calls tools.
        model: always ``provider:model``, the pool member that answered.
        usage: tokens and cost; ``None`` where the provider reported nothing.
        finish_reason: ``stop``, ``length``, ``tool_calls``, ``content_filter``, ``error`` or ``other``.
        tool_calls: the calls the model asks for, in OpenAI's form.
        parsed: the JSON answer when one was asked for: object, array or instance of the requested type; ``None`` beside
            tool calls and refusals.
        reasoning: the reasoning text or summary that the provider shows.
        refusal: the model's refusal, where the provider keeps it apart from the text.
        provider_finish_reason: the provider's own word.
        provider_model: the name of the model that the provider says it served (a dated snapshot, say).
        response_id: the provider's id of the answer.
        request_id: the provider's id of the request, for its support.
        native: what the provider wants back unchanged in the next turn (signatures, encrypted reasoning), and
            what it said beyond the neutral form (citations, logprobs). JSON; :meth:`to_message` carries it.
        rate_limits: those of the key, as the headers of the answer state them.
        attempts: every pool member tried or skipped, in order; the last one answered.
        warnings: what was dropped or lost on the way, one sentence each.
    """

    content: str
    model: str
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    tool_calls: list[ToolCall] | None = None
    parsed: Parsed = cast("Any", None)
    reasoning: str | None = None
    refusal: str | None = None
    provider_finish_reason: str | None = None
    provider_model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    native: dict[str, Any] | None = None
    rate_limits: RateLimits | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)

    @property
    def total_tokens(self) -> int | None:
        """All tokens, input and output; ``None`` without usage."""
        return _total(self.usage)

    @property
    def cost(self) -> float | None:
        """US dollars; ``None`` where it cannot be known (``usage["cost_status"]`` then says why)."""
        return None if self.usage is None else self.usage.get("cost")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield the fields with their names: ``dict(response)``, as of a pydantic model. FastAPI asks for it."""
        return iter(self.model_dump().items())

    @property
    def images(self) -> "list[Media]":
        """Images that the model made, as bytes with their media type; decoded anew at each look."""
        from llmring_types._media import images_of  # noqa: PLC0415 - few answers have any

        return images_of(self.native)

    @property
    def audio(self) -> "list[Media]":
        """Sounds that the model made, as bytes with their media type; decoded anew at each look."""
        from llmring_types._media import audio_of  # noqa: PLC0415 - as above

        return audio_of(self.native)

    def to_message(self) -> Message:
        """Return the assistant message for the next turn, with everything the provider wants to see again."""
        return Message(
            role="assistant",
            content=self.content or (None if self.tool_calls else ""),
            tool_calls=self.tool_calls,
            metadata={"native": self.native} if self.native else None,
        )


class StreamChunk(Model, kw_only=True, omit_defaults=True):
    """A piece of a streamed answer. ``tool_calls``, ``usage`` and what follows come on the last one, complete.

    Attributes:
        delta: new text; may be empty.
        reasoning: new reasoning text.
        model: ``provider:model``.
        rate_limits: on the first chunk, as in :class:`LLMResponse`.
        finish_reason: on the last chunk, as in :class:`LLMResponse`; so are all the others.
    """

    delta: str = ""
    model: str | None = None
    rate_limits: RateLimits | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    tool_calls: list[ToolCall] | None = None
    reasoning: str | None = None
    refusal: str | None = None
    provider_finish_reason: str | None = None
    provider_model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    native: dict[str, Any] | None = None
    parsed: Any = None
    attempts: list[Attempt] | None = None
    warnings: list[str] | None = None

    @property
    def content(self) -> str:
        """The same as :attr:`delta`."""
        return self.delta

    @property
    def total_tokens(self) -> int | None:
        """All tokens, on the last chunk."""
        return _total(self.usage)

    @property
    def cost(self) -> float | None:
        """US dollars, on the last chunk; ``None`` where it cannot be known."""
        return None if self.usage is None else self.usage.get("cost")


def _total(usage: Usage | None) -> int | None:
    if usage is None:
        return None
    total = usage.get("total_tokens")
    if total is not None:
        return total
    if "prompt_tokens" not in usage and "completion_tokens" not in usage:
        return None
    return usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
