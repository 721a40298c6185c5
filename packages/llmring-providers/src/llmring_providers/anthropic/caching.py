"""Marks of what Anthropic is to cache, within what it takes of them.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_MARKS = 4
_PLACES = ("tools", "system", "messages")
"""In the order in which Anthropic reads them."""
_LONG = "1h"


def add_cache(body: dict[str, Any], cache: Mapping[str, Any], warnings: list[str]) -> None:
    """Let Anthropic place the mark at the end of the prompt.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching
    """
    known = {name: cache[name] for name in ("type", "ttl") if cache.get(name) is not None}
    if known:
        body["cache_control"] = {"type": "ephemeral", **known}
    warnings.extend(
        f"cache[{name!r}] has no effect on Anthropic, which takes 'type' and 'ttl'"
        for name in cache
        if name not in ("type", "ttl")
    )


def within_limits(body: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
    """Return a body with at most four marks, none of an hour behind one of five minutes; Anthropic refuses more.

    The first mark and the last ones stay: the first holds what all conversations share, each of the last the longest
    prefix so far. The caller's own blocks are never changed.
    """
    marks = [mark for place in _PLACES for mark in _marks(body.get(place))]
    if len(marks) < 2 and "cache_control" not in body:  # noqa: PLR2004 - one mark breaks no rule
        return body
    kept = _kept(marks, body.get("cache_control"), warnings)
    if kept == [*marks, body.get("cache_control")]:
        return body
    rest = iter(kept)
    fitted = {**body, **{place: _rewritten(body[place], rest) for place in _PLACES if place in body}}
    if (last := kept[-1]) is not None:
        fitted["cache_control"] = last
    return fitted


def _marks(value: Any) -> Iterator[Any]:
    """Yield the marks within blocks, those in the content of a block before its own."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, Mapping):
            yield from _marks(each.get("content"))
            if each.get("cache_control") is not None:
                yield each["cache_control"]


def _kept(marks: list[Any], automatic: Any, warnings: list[str]) -> list[Any]:
    """Return the marks as they are sent, ``None`` for one that is left out, and the automatic one last."""
    room = _MOST_MARKS - (automatic is not None)
    kept = list(marks)
    if len(marks) > room:
        kept[1 : len(marks) - room + 1] = [None] * (len(marks) - room)
        warnings.append(
            f"{len(marks) - room} of {len(marks)} cache marks were left out: Anthropic takes {_MOST_MARKS}"
        )
    short = False
    for place, mark in enumerate([*kept, automatic]):
        if not isinstance(mark, Mapping):
            continue
        if mark.get("ttl") != _LONG:
            short = True
        elif short:
            shortened = {name: value for name, value in mark.items() if name != "ttl"}
            if place < len(kept):
                kept[place] = shortened
            else:
                automatic = shortened
            warnings.append("a cache mark of 1h was sent as one of 5m: Anthropic takes none behind one of 5m")
    return [*kept, automatic]


def _rewritten(value: Any, kept: Iterator[Any]) -> Any:
    """Return blocks with the marks that stand for theirs, in the order of :func:`_marks`."""
    if not isinstance(value, list):
        return value
    blocks: list[Any] = []
    for each in value:
        if not isinstance(each, Mapping):
            blocks.append(each)
            continue
        block = dict(each)
        if isinstance(each.get("content"), list):
            block["content"] = _rewritten(each["content"], kept)
        if each.get("cache_control") is not None:
            if (mark := next(kept)) is None:
                del block["cache_control"]
            else:
                block["cache_control"] = mark
        blocks.append(block)
    return blocks
