"""Response headers that say what no protocol has a place for: attempts, model, cost, warnings, unread fields.

Lists are in the form of RFC 9651 (structured fields): ``"openai:gpt-5";outcome=error;status=429;ms=120, …``.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from llmring_types import Attempt, Usage

from llmring._policy import FROM_CACHE

_LONGEST = 2000
"""Most letters of a header's value: servers and proxies limit all headers together to 8 KiB and more."""
_SAFE = " !#$%&'()*+,-./:;<=>?@[]^_`{|}~"
_PLAIN_TYPE = {"content-type": "application/json"}


def notes(
    *,
    attempts: Sequence[Attempt] = (),
    model: str | None = None,
    usage: Usage | None = None,
    warnings: Iterable[str] = (),
    unread: Iterable[str] = (),
) -> dict[str, str]:
    """Return the headers for what is known of an answer; what is not known has none."""
    found = {}
    if attempts:
        found["llmring-attempts"] = _listed(map(_attempt, attempts))
        if attempts[-1].message == FROM_CACHE:
            found["llmring-cache"] = "hit"
    if model:
        found["llmring-model"] = quote(model, safe=_SAFE)
    cost = usage.get("cost") if usage is not None else None
    if cost is not None:
        found["llmring-cost"] = f"{cost:.12f}".rstrip("0").rstrip(".")
    if warned := _listed(map(_text, warnings)):
        found["llmring-warnings"] = warned
    if left := _listed(map(_text, unread)):
        found["llmring-unread"] = left
    return found


def json_answer(*more: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a JSON answer."""
    headers = dict(_PLAIN_TYPE)
    for each in more:
        headers.update(each)
    return headers


def _attempt(attempt: Attempt) -> str:
    status = "" if attempt.status_code is None else f";status={attempt.status_code}"
    return f"{_text(attempt.model)};outcome={attempt.outcome}{status};ms={round(attempt.seconds * 1000)}"


def _text(text: str) -> str:
    """Return a structured string. What is no printable ASCII, and quotes, are percent-encoded."""
    return f'"{quote(text, safe=_SAFE)}"'


def _listed(items: Iterable[str]) -> str:
    """Return a list; what would make it too long is left out, and ``…`` at its end says so as ``more``."""
    kept, length = [], 0
    for item in items:
        length += len(item) + 2
        if length > _LONGEST:
            kept.append("more")
            break
        kept.append(item)
    return ", ".join(kept)
