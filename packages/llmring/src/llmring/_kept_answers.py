"""The answer cache: whole answers, given again to requests that would put the same bytes on the wire."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TypeVar, cast

import msgspec
from llmring_lockfile import LockedModel
from llmring_providers import ProviderStream
from llmring_types import Attempt, LLMResponse, StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring._call import Call
from llmring._chat import Chat
from llmring._failover import Answered, Attempting, Permit
from llmring._policy import FROM_CACHE, NO_STORE, CachePolicy
from llmring._routing import Candidate
from llmring._runtime import Clock
from llmring._stream import Opened
from llmring.bulk._digest import Digests

T = TypeVar("T")

_WHOLE = frozenset({"stop", "tool_calls", "length"})
_AS_IT_CAME = ("delta", "reasoning", "refusal", "parsed", "attempts")
_LAST = tuple(name for name in StreamChunk.__struct_fields__ if name not in _AS_IT_CAME)


class KeptAnswers:
    """Answers by the digest of their request, least recently used ones dropped first.

    Args:
        policy: for how long, and how many bytes of them.
        clock: measures the time.
    """

    def __init__(self, policy: CachePolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self._digests: tuple[Mapping[str, LockedModel], str | None, Digests] | None = None

    def digests(self, chat: Chat, profile: str | None) -> Digests:
        """Return what makes the digests of requests: the last one while the lockfile and the profile are the same."""
        locked = chat.router.locked
        if self._digests is None or self._digests[0] is not locked or self._digests[1] != profile:
            self._digests = locked, profile, Digests(chat, locked, profile)
        return self._digests[2]

    def get(self, digest: bytes) -> LLMResponse | None:
        """Return the answer as it was kept, a new object each time."""
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                return None
            if self._clock.now() >= found[0]:
                self._drop(digest)
                return None
            self._kept.move_to_end(digest)
        return msgspec.json.decode(found[1], type=LLMResponse)

    def keep(self, digest: bytes, response: LLMResponse) -> None:
        """Keep an answer, without what was parsed of it and what it took to get it."""
        document = msgspec.json.encode(msgspec.structs.replace(response, parsed=None, attempts=[]))
        with self._lock:
            if digest in self._kept:
                self._drop(digest)
            if len(document) > self._policy.max_bytes:
                return
            self._kept[digest] = self._clock.now() + self._policy.ttl_s, document
            self._size += len(document)
            while self._size > self._policy.max_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, digest: bytes) -> None:
        self._size -= len(self._kept.pop(digest)[1])


class CachedCall(Call):
    """A call that looks for a kept answer before it asks anybody, and keeps the one that it gets."""

    _digest: bytes | None = None

    def _begin(self) -> None:
        super()._begin()
        wishes = self._prepared.cache
        if wishes is not None and NO_STORE in wishes:
            rest = {name: value for name, value in wishes.items() if name != NO_STORE}
            self._prepared = msgspec.structs.replace(self._prepared, cache=rest or None)

    async def _run(
        self,
        attempt: Attempting[T],
        *,
        timeout: float | None,
        discard: Callable[[T], None] | None = None,
    ) -> Answered[T]:
        kept = self._chat.kept_answers
        if kept is not None and not (self._asked.cache or {}).get(NO_STORE):
            self._digest = await self._digested(kept.digests(self._chat, self._profile))
            found = None if self._digest is None else kept.get(self._digest)
            if found is not None:
                return await self._replay(found)
        return await super()._run(attempt, timeout=timeout, discard=discard)

    async def _digested(self, digests: Digests) -> bytes | None:
        """Return the digest of the request; ``None`` for one that cannot be sent: the attempt tells why."""
        try:
            found = digests.of_prepared(await self._with_files(self._prepared))
        except LLMRingError:
            return None
        self._encoded = found.encoded  # for a whole answer that has to be asked for
        return found.content

    async def _replay(self, response: LLMResponse) -> Answered[T]:
        if response.usage is not None:
            response.usage.pop("cost_breakdown", None)
            response.usage["cost"], response.usage["cost_status"] = 0.0, "answer_cache"
        attempts = [Attempt(model=response.model, outcome="ok", message=FROM_CACHE, billed=False)]
        if self._watch is not None:
            self._watch.attempts += attempts
        if self._streamed:
            candidate, now = self._route.candidates[0], self._chat.failover.clock.now()
            opened = Opened(_Replay(), _chunks(response), candidate, None, attempts, now)
            return Answered(cast("T", opened), attempts)
        try:
            await self._read(response)
        except BaseException as error:
            if self._watch is not None:
                self._watch.report_failure(error)
            raise
        return Answered(cast("T", response), attempts)

    async def _send_whole(self, candidate: Candidate, permit: Permit | None) -> LLMResponse:
        response = await super()._send_whole(candidate, permit)
        self._keep(response)
        return response

    async def complete(self, response: LLMResponse, opened: Opened) -> None:
        if isinstance(opened.stream, _Replay):
            await self._read(response)
            if self._watch is not None:
                self._watch.report_answer(response)
            return
        await super().complete(response, opened)
        self._keep(response)

    def _keep(self, response: LLMResponse) -> None:
        kept = self._chat.kept_answers
        if kept is not None and self._digest is not None and response.finish_reason in _WHOLE:
            kept.keep(self._digest, response)


class _Replay(ProviderStream):
    """A stream that has come already."""

    async def receive(self) -> Sequence[StreamChunk]:
        return ()

    def partial(self) -> StreamChunk:
        return StreamChunk()

    async def finish(self) -> None:
        """There is no connection to give back."""

    def close(self) -> None:
        """There is no connection to close."""


def _chunks(response: LLMResponse) -> list[StreamChunk]:
    """Return an answer as a stream: its thoughts, its text, and all that comes with the last chunk."""
    model, refusal = response.model, response.refusal or ""
    text = response.content.removesuffix(refusal)
    chunks = [StreamChunk(model=model, reasoning=response.reasoning)] if response.reasoning else []
    chunks += [StreamChunk(model=model, delta=text)] if text else []
    chunks += [StreamChunk(model=model, delta=refusal, refusal=refusal)] if refusal else []
    return [*chunks, StreamChunk(**{name: getattr(response, name) for name in _LAST})]
