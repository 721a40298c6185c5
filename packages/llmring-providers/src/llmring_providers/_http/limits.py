"""Rate limits in the headers of answers, in the forms of OpenAI, Anthropic and the hosts that follow them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

from llmring_types import RateLimit, RateLimits
from llmring_types.hosts import Quirks

from llmring_providers._errors import header_wait, span_of

Kind = Literal["requests", "tokens", "input_tokens", "output_tokens"]
_OPENAI: Mapping[Kind, str] = {"requests": "x-ratelimit-{}-requests", "tokens": "x-ratelimit-{}-tokens"}
"""https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers"""
_ANTHROPIC: Mapping[Kind, str] = {
    "requests": "anthropic-ratelimit-requests-{}",
    "tokens": "anthropic-ratelimit-tokens-{}",
    "input_tokens": "anthropic-ratelimit-input-tokens-{}",
    "output_tokens": "anthropic-ratelimit-output-tokens-{}",
}
"""https://platform.claude.com/docs/en/api/rate-limits#response-headers"""


def stated_limits(
    headers: Mapping[str, str],
    quirks: Quirks | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RateLimits | None:
    """Return the limits that headers state; ``None`` where they state none.

    Args:
        headers: of an answer, by names in lower case.
        quirks: names and periods of the host's own.
        now: the present time, which moments are subtracted from.
    """
    names: Mapping[Kind, str] = quirks.limit_headers if quirks is not None else {}
    if not names:
        if "x-ratelimit-limit-requests" in headers or "x-ratelimit-limit-tokens" in headers:
            names = _OPENAI
        elif "anthropic-ratelimit-requests-limit" in headers or "anthropic-ratelimit-tokens-limit" in headers:
            names = _ANTHROPIC
    periods: Mapping[Kind, float] = quirks.limit_periods if quirks is not None else {}
    found = {
        kind: limit
        for kind, name in names.items()
        if (limit := _limit(headers, name, periods.get(kind, 60.0), now)) is not None
    }
    wait = header_wait(headers)
    return RateLimits(retry_after=wait, **found) if found or wait is not None else None


def _limit(
    headers: Mapping[str, str], name: str, period: float, now: Callable[[], datetime]
) -> RateLimit | None:
    limit = _count(headers.get(name.format("limit")))
    remaining = _count(headers.get(name.format("remaining")))
    if limit is None and remaining is None:
        return None
    reset = _reset(headers.get(name.format("reset")), now)
    return RateLimit(limit=limit, remaining=remaining, reset_s=reset, period_s=period)


def _count(text: str | None) -> float | None:
    try:
        count = float(text) if text else None
    except ValueError:
        return None
    return count if count is not None and 0 <= count < float("inf") else None


def _reset(text: str | None, now: Callable[[], datetime]) -> float | None:
    """Read seconds, a span as ``6m0s``, or a moment of RFC 3339."""
    if not text:
        return None
    seconds = span_of(text)
    if seconds is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())
