"""Rate limits, as the headers of an answer state them."""

import msgspec


class RateLimit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One limit of a key. What a host does not state is ``None``.

    Attributes:
        limit: requests or tokens in each period.
        remaining: those that are left of it.
        reset_s: seconds after the answer until all of it is left again.
        period_s: the length of the period in seconds: a minute, unless the host is known to count otherwise.
    """

    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    period_s: float = 60.0

    @property
    def per_minute(self) -> float | None:
        """The limit for a minute. A reset that is further away than the period tells of a longer one."""
        if self.limit is None:
            return None
        used = self.limit - (self.limit if self.remaining is None else self.remaining)
        if self.reset_s is not None and used > 0 and self.reset_s > self.period_s * _LONGER:
            return 60 * used / self.reset_s
        return 60 * self.limit / self.period_s


_LONGER = 1.5


class RateLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The limits of a key for a model. Those that a host does not have, or does not state, are ``None``.

    Attributes:
        requests: requests.
        tokens: input and output together.
        input_tokens: tokens of prompts.
        output_tokens: tokens of answers.
        retry_after: seconds to wait, where the host asks for it.
    """

    requests: RateLimit | None = None
    tokens: RateLimit | None = None
    input_tokens: RateLimit | None = None
    output_tokens: RateLimit | None = None
    retry_after: float | None = None
