"""The details of an error in Google's form, in which Vertex AI and Gemini's copy of OpenAI's protocol answer too.

https://google.aip.dev/193
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class RpcDetails(NamedTuple):
    """Details of an error: the reason of an ErrorInfo, the wait of a RetryInfo in seconds, the violations."""

    reason: str | None = None
    wait: float | None = None
    violations: tuple[Any, ...] = ()


def read_details(details: Any) -> RpcDetails:
    """Read the ``details`` of an error object; anything but a list of objects says nothing."""
    reason, wait, violations = None, None, list[Any]()
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        reason = reason or _text(detail.get("reason"))
        wait = _seconds(detail["retryDelay"]) if "retryDelay" in detail else wait
        for name in ("violations", "fieldViolations"):
            if isinstance(detail.get(name), list):
                violations += detail[name]
    return RpcDetails(reason, wait, tuple(violations))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(delay: Any) -> float | None:
    """A duration: ``"48.9s"`` in JSON, ``{"seconds": …, "nanos": …}`` from some proxies."""
    if isinstance(delay, Mapping):
        seconds, nanos = delay.get("seconds", 0), delay.get("nanos", 0)
        delay = f"{seconds}.{nanos:09d}s" if isinstance(nanos, int) else f"{seconds}s"
    try:
        seconds = float(str(delay).removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
