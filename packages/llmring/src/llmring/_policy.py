"""How a ring behaves when things go wrong."""

from collections.abc import Mapping

import msgspec
from llmring_types.exceptions import ConfigurationError
from msgspec import UNSET, UnsetType


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When the last candidate is asked again. Nothing is asked again while another candidate can be tried at once.

    Attributes:
        attempts: requests to one candidate in all, the first included.
        base_s: the pause before the n-th retry is random between 0 and ``base_s * 2**(n-1)`` seconds (full jitter).
        max_s: upper limit of that pause.
        retry_after_cap_s: a ``Retry-After`` up to this many seconds is waited for; a longer one ends the call.
    """

    attempts: int = 2
    base_s: float = 0.25
    max_s: float = 2.0
    retry_after_cap_s: float = 30.0


class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a model is left alone for a while.

    Attributes:
        failures: availability failures in a row that open the breaker; rate limits and rejections do not count.
        open_s: seconds until one probe is let through.
    """

    failures: int = 3
    open_s: float = 10.0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that failover can be told.

    Attributes:
        retry: when the last candidate is asked again.
        breaker: when a model is left alone; ``None`` never.
        deadline_s: seconds for the whole call, all attempts and pauses together; a stream is within it once its
            first chunk has come. ``None`` has no such limit.
        first_chunk_timeout_s: seconds until a stream's first chunk; absent uses the timeout of the attempt.
        chunk_timeout_s: seconds between two chunks, or between signs of life while there is nothing to show, in the
            midst of a tool call; absent uses the timeout of the attempt, ``None`` waits for ever.
        fail_over_on_authentication: let a refused key move on to another provider of the pool.
        max_concurrent: provider to most calls at once; more wait, first come, first served, within their timeout.
        hedge_after_s: start the next member beside the first when it has not answered after so many seconds; the first
            answer counts, the other call is cancelled. ``None`` never does.
    """

    retry: RetryPolicy = msgspec.field(default_factory=RetryPolicy)
    breaker: BreakerPolicy | None = msgspec.field(default_factory=BreakerPolicy)
    deadline_s: float | None = None
    first_chunk_timeout_s: float | UnsetType | None = UNSET
    chunk_timeout_s: float | UnsetType | None = UNSET
    fail_over_on_authentication: bool = False
    max_concurrent: Mapping[str, int] = msgspec.field(default_factory=dict)
    hedge_after_s: float | None = None

    def __post_init__(self) -> None:
        for provider, places in self.max_concurrent.items():
            if places < 1:
                raise ConfigurationError(f"max_concurrent[{provider!r}] must be 1 or more; got {places}")
