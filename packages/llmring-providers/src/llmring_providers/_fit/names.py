"""Names of functions and ids of calls that a vendor refuses: replaced on the way there, names restored on the way back.

People name tools as their servers do (``search.web``, ``files/read``); every vendor takes another set of letters and
lengths, and answers 400 to the rest.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from llmring_types import LLMResponse, Message, StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers._protocol import ChatCall, StreamDecoder

_DIGEST = 8


class NameRule(msgspec.Struct, frozen=True, kw_only=True):
    """The words that a vendor takes.

    Attributes:
        taken: matches a word that is taken; ``None`` takes all.
        refused: matches what is replaced in others.
        longest: in characters.
        begin: put before a word whose first letter is refused.
        exact: all words are as long as the longest.
    """

    taken: re.Pattern[str] | None
    refused: re.Pattern[str] = re.compile(r"[^a-zA-Z0-9_-]")
    longest: int = 64
    begin: str = "_"
    exact: bool = False

    def fits(self, word: str) -> bool:
        return self.taken is None or self.taken.fullmatch(word) is not None

    def replacement(self, word: str, used: Iterable[str]) -> str:
        """Return a word that is taken and not used yet, the same one for the same arguments."""
        if self.exact:
            return _digest(word, self.longest)
        new = self.refused.sub("_", word)
        if not self.fits(new[:1] or " "):
            new = self.begin + new
        if len(new) > self.longest or new in used:
            new = f"{new[: self.longest - _DIGEST - 1]}_{_digest(word, _DIGEST)}"
        return new


NINE_LETTERS = NameRule(taken=re.compile(r"[a-zA-Z0-9]{9}"), longest=9, exact=True)
"""Ids of calls at Mistral, and where its models are served with its own tokenizer.

https://github.com/anomalyco/opencode/issues/1680
"""


def _digest(word: str, length: int) -> str:
    return hashlib.blake2b(word.encode(errors="replace"), digest_size=(length + 1) // 2).hexdigest()[:length]


def replaced_names(call: ChatCall, rule: NameRule) -> dict[str, str]:
    """Return each name of a function in the request that the vendor refuses, with what stands for it."""
    names = set(_offered(call.request.tools or ()))
    for message in call.request.messages:
        if message.tool_calls:
            names.update(_called(message))
    refused = sorted(name for name in names if not rule.fits(name))
    replaced: dict[str, str] = {}
    for name in refused:
        replaced[name] = rule.replacement(name, {*names, *replaced.values()})
    return replaced


def replaced_ids(messages: Iterable[Message], rule: NameRule) -> dict[str, str]:
    """Return each id of a call that the vendor refuses, with what stands for it."""
    ids = {str(made["id"]) for message in messages for made in message.tool_calls or () if made.get("id")}
    ids.update(message.tool_call_id for message in messages if message.tool_call_id)
    replaced: dict[str, str] = {}
    for call_id in sorted(ids):
        if not rule.fits(call_id):
            replaced[call_id] = rule.replacement(call_id, {*ids, *replaced.values()})
    return replaced


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a tool, a choice or a call with its names replaced, wherever its form has them."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: renamed(inner, names)
        if key
        in (
            "name",
            "function",
            "custom",
            "allowed_tools",
            "tools",
            "allowedFunctionNames",
            "allowed_function_names",
        )
        else inner
        for key, inner in value.items()
    }


def _offered(tools: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for tool in tools:
        for place in (tool, tool.get("function"), tool.get("custom")):
            name = place.get("name") if isinstance(place, Mapping) else None
            if (
                isinstance(name, str)
                and name
                and (place is not tool or tool.get("type", "function") in ("function", "custom"))
            ):
                yield name


def _called(message: Message) -> Iterator[str]:
    for made in message.tool_calls or ():
        either: Any = made
        place = either.get("function") or either.get("custom")
        name = place.get("name") if isinstance(place, Mapping) else None
        if isinstance(name, str):
            yield name


def restored(response: LLMResponse, call: ChatCall, rule: NameRule) -> LLMResponse:
    """Give the calls of an answer the names that the request has."""
    _restore(response, _originals(call, rule))
    return response


def restoring(decoder: StreamDecoder, call: ChatCall, rule: NameRule) -> StreamDecoder:
    """Return the decoder, or one around it whose calls have the names that the request has."""
    names = _originals(call, rule)
    return _RestoringDecoder(decoder, names) if names else decoder


def _originals(call: ChatCall, rule: NameRule) -> dict[str, str]:
    return {new: name for name, new in replaced_names(call, rule).items()}


class _RestoringDecoder:
    """A decoder whose calls have the names that the request has."""

    def __init__(self, decoder: StreamDecoder, names: Mapping[str, str]) -> None:
        self.done = decoder.done
        self.failure: LLMRingError | None = decoder.failure
        self._decoder = decoder
        self._names = names

    def feed(self, data: bytes) -> list[StreamChunk]:
        return self._restored(self._decoder.feed(data))

    def close(self) -> list[StreamChunk]:
        try:
            return self._restored(self._decoder.close())
        finally:
            self.done, self.failure = self._decoder.done, self._decoder.failure

    def partial(self) -> StreamChunk:
        return self._restored([self._decoder.partial()])[0]

    def _restored(self, chunks: list[StreamChunk]) -> list[StreamChunk]:
        self.done, self.failure = self._decoder.done, self._decoder.failure
        for chunk in chunks:
            _restore(chunk, self._names)
        return chunks


def _restore(answer: LLMResponse | StreamChunk, names: Mapping[str, str]) -> None:
    for made in answer.tool_calls or ():
        function = made["function"]
        function["name"] = names.get(function["name"], function["name"])
