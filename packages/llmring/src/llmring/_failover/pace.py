"""Pacing: calls to a key wait until its limits of requests and tokens have room, wherever the limits are known from.

A key has a lane for each ring. Before a call, its tokens are estimated and taken from the lane; its answer corrects
the estimate. A refusal (429) slows the whole lane. Lanes take what they give from a ledger, which several rings,
processes or machines may share: then in leases, of a fraction of a second.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from threading import Lock

from llmring_types import LLMRequest, LLMResponse, ModelRef, RateLimits
from llmring_types.exceptions import LLMRingError, ProviderConnectionError, ProviderRateLimitError

from llmring._failover.ledgers import LONGEST_BLOCK_S, Amounts, Ledger, MemoryLedger, open_ledger
from llmring._money.estimates import ExpectedTokens
from llmring._policy import Pace
from llmring._runtime import Clock
from llmring._tasks import Wakeup
from llmring.tokens import estimate_tokens

_HEADROOM = 0.95
"""Part of a limit that is used: hosts count in windows, and clocks and networks are not exact."""
_SLOWER, _LEAST_FACTOR, _FASTER_PER_S = 0.8, 0.1, 0.02
"""A refusal makes a lane a fifth slower, down to a tenth of its limit; it recovers within some ten seconds of each."""
_GUESS, _GUESS_GROWTH_PER_S = 0.7, 1.03
"""Part of the present rate that a refusal leaves where no limit is known, and by what it grows in a second."""
_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds after refusals in a row that state no wait."""
_STALE = 2
"""Lengths of a lease after which it is over: many that were kept would be a burst."""
_KEPT_S = 1.0
"""Seconds' worth that estimates may have taken too much of and that later calls get: more would come all at once."""
_NOTHING: Amounts = (0.0, 0.0, 0.0, 0.0)


class Ticket:
    """The leave to send one call now."""

    def __init__(self, lane: "Lane", model: ModelRef, estimated: int, amounts: Amounts) -> None:
        self._lane = lane
        self._model = model
        self._estimated = estimated
        self._amounts = amounts

    def settle(self, response: LLMResponse) -> None:
        """Count what the answer says it used in place of the estimate."""
        usage = response.usage or {}
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if prompt is None or completion is None:
            return
        self._lane.expectation(self._model).learn(self._estimated, prompt, completion)
        self._lane.correct(self._amounts, (1.0, float(prompt + completion), float(prompt), float(completion)))

    def give_back(self) -> None:
        """Count nothing: the call was not sent."""
        self._lane.correct(self._amounts, _NOTHING)


class Lane:
    """One key. Safe to use from several event loops and threads.

    Args:
        name: of the lane in the ledger.
        pace: the user's limits.
        ledger: where it takes from.
        clock: the time.
    """

    def __init__(self, name: str, pace: Pace, ledger: Ledger, clock: Clock) -> None:
        self._name = name
        self._ledger = ledger
        self._clock = clock
        self._lock = Lock()
        stated = (pace.requests_per_minute, pace.tokens_per_minute, None, None)
        self._stated: tuple[float | None, ...] = stated
        self._learned: tuple[float | None, ...] = (None,) * 4
        self._guess: tuple[float, float] | None = None
        self._factor, self._slowed_at = 1.0, -math.inf
        self._blocked_until = -math.inf
        self._refusals = 0
        self._admitted: deque[float] = deque(maxlen=64)
        self._queue: deque[Wakeup] = deque()
        self._is_busy = False
        self._balance: Sequence[float] = _NOTHING
        self._from = -math.inf
        """The moment from which the balance may be used."""
        self._expected: dict[ModelRef, ExpectedTokens] = {}

    @property
    def is_free(self) -> bool:
        """``True`` where nothing is known that calls would have to wait for."""
        return self._guess is None and not any(self._stated) and not any(self._learned)

    def expectation(self, model: ModelRef) -> ExpectedTokens:
        return self._expected.setdefault(model, ExpectedTokens())

    async def admit(self, model: ModelRef, request: LLMRequest | None) -> Ticket:
        """Wait until the call may be sent: first come, first served.

        Only the first takes from the lane, at the last moment, by what is known of the tokens of calls by then.
        """
        turn = None
        with self._lock:
            if self._is_busy:
                turn = Wakeup()
                self._queue.append(turn)
            self._is_busy = True
        try:
            if turn is not None:
                await turn.wait()
        except BaseException:
            self._leave(turn)
            raise
        try:
            return await self._first(model, request)
        finally:
            self._leave(None)

    def _leave(self, turn: Wakeup | None) -> None:
        """Hand the turn over, or leave the queue before it has come."""
        with self._lock:
            if turn is not None and turn in self._queue:
                self._queue.remove(turn)
                return
            following = self._queue.popleft() if self._queue else None
            self._is_busy = following is not None
        if following is not None:
            following.set()

    async def _first(self, model: ModelRef, request: LLMRequest | None) -> Ticket:
        clock = self._clock
        estimated = 0 if request is None else estimate_tokens(request)
        while True:
            amounts = (1.0, 0.0, 0.0, 0.0)
            if request is not None:
                prompt, output = self.expectation(model).of(estimated, request.max_tokens)
                amounts = (1.0, prompt + output, prompt, output)
            start = await self._reserve(amounts, clock.now())
            if start > (now := clock.now()):
                try:
                    await clock.sleep(start - now)
                except BaseException:
                    self.correct(amounts, _NOTHING)
                    raise
            if (now := clock.now()) >= self._blocked_until:  # else there was a refusal meanwhile
                self._admitted.append(now)
                return Ticket(self, model, estimated, amounts)

    async def _reserve(self, amounts: Amounts, now: float) -> float:
        """Take the amounts, out of the last lease or a new one; return from when on they may be used."""
        with self._lock:
            rates = self._rates(now)
            lease_s = self._ledger.lease_s
            if lease_s and now - self._from > _STALE * lease_s:  # others have had that time since
                self._balance = tuple(min(each, 0.0) for each in self._balance)
            left = tuple(have - need for have, need in zip(self._balance, amounts, strict=True))
            if all(
                rate is None or -_EXACT <= have <= rate * lease_s
                for rate, have in zip(rates, left, strict=True)
            ):
                self._balance = left
                return self._from
            # What estimates took too much of goes back with it.
            leases = tuple(0.0 if rate is None else rate * lease_s for rate in rates)
            wanted = tuple(lease - have for lease, have in zip(leases, left, strict=True))
            self._balance = leases
        start = self._from = now + await self._ledger.take(self._name, wanted, rates)
        return start

    def correct(self, taken: Amounts, used: Amounts) -> None:
        """Put what was used in the place of what was taken."""
        with self._lock:
            rates = self._rates(self._clock.now())
            self._balance = tuple(
                0.0 if rate is None else min(have + one - other, max(rate * _KEPT_S, have))
                for rate, have, one, other in zip(rates, self._balance, taken, used, strict=True)
            )
            self._refusals = 0

    def learn(self, limits: RateLimits) -> None:
        """Take over the limits that an answer states."""
        found = (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens)
        self._learned = tuple(
            before if each is None or each.per_minute is None else each.per_minute
            for before, each in zip(self._learned, found, strict=True)
        )

    async def refuse(self, error: ProviderRateLimitError) -> None:
        """Slow down: all calls of the key wait, and what comes after comes slower for a while."""
        now = self._clock.now()
        with self._lock:
            wait = error.retry_after
            if wait is None:
                wait = _WAITS[min(self._refusals, len(_WAITS) - 1)]
            wait = min(wait, LONGEST_BLOCK_S)  # also where tomorrow is stated: the next calls get the error
            if now - self._slowed_at >= 1:  # one refusal of many that were under way together
                self._refusals += 1
                self._factor = max(_LEAST_FACTOR, self._present_factor(now) * _SLOWER)
                self._slowed_at = now
                if not any(self._stated) and not any(self._learned):
                    self._guess = (self._present_rate(now) * _GUESS, now)
            self._blocked_until = max(self._blocked_until, now + wait)
            self._balance = tuple(min(each, 0.0) for each in self._balance)
        await self._ledger.block(self._name, wait)

    def _rates(self, now: float) -> tuple[float | None, ...]:
        """Return requests, tokens, input and output in each second."""
        factor = self._present_factor(now) * _HEADROOM / 60
        rates = [
            None if (limit := stated or learned) is None else max(limit, _EXACT) * factor
            for stated, learned in zip(self._stated, self._learned, strict=True)
        ]
        if rates[0] is None and self._guess is not None:
            rate, since = self._guess
            rates[0] = rate * _GUESS_GROWTH_PER_S ** min(now - since, 1000)
        return tuple(rates)

    def _present_factor(self, now: float) -> float:
        return min(1.0, self._factor + max(0.0, now - self._slowed_at) * _FASTER_PER_S)

    def _present_rate(self, now: float) -> float:
        if not self._admitted:
            return 1.0
        return len(self._admitted) / max(now - self._admitted[0], 1.0)


_EXACT = 1e-6
"""Smaller differences are rounding."""


class Pacer:
    """The lanes of a ring.

    Args:
        pace: the user's limits: for each key, or by provider. :class:`Pace` without limits learns them.
        clock: the time.
        secrets: returns the keys of a provider; a digest of them names the lane for those who share it.
    """

    def __init__(
        self, pace: Pace | Mapping[str, Pace], clock: Clock, secrets: Callable[[str], Iterable[str]]
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._secrets = secrets
        self._lanes: dict[str, Lane] = {}
        self._ledgers: dict[str | None, Ledger] = {None: MemoryLedger(clock)}

    def concerns(self, provider: str) -> bool:
        """Return whether calls to a provider may have to wait."""
        lane = self._lanes.get(provider) or self._lane(provider)
        return lane is not None and not lane.is_free

    async def admit(self, model: ModelRef, request: LLMRequest | None) -> Ticket | None:
        """Wait until a call may be sent; ``None`` where nothing limits it.

        Raises:
            ConfigurationError: the shared ledger cannot be used.
        """
        lane = self._lane(model.provider)
        return None if lane is None or lane.is_free else await lane.admit(model, request)

    def answered(self, model: ModelRef, response: LLMResponse, ticket: Ticket | None) -> None:
        """Learn from an answer."""
        if ticket is not None:
            ticket.settle(response)
        self.learn(model, response.rate_limits)

    def learn(self, model: ModelRef, limits: RateLimits | None) -> None:
        """Take over the limits that an answer states, a stream's at its start."""
        if limits is not None and (lane := self._lane(model.provider)) is not None:
            lane.learn(limits)

    async def failed(self, model: ModelRef, error: LLMRingError, ticket: Ticket | None) -> None:
        """Learn from a failure."""
        if isinstance(error, ProviderRateLimitError) and error.retryable:
            lane = self._lane(model.provider)
            if lane is not None:
                await lane.refuse(error)
        elif isinstance(error, ProviderConnectionError) and not error.sent and ticket is not None:
            ticket.give_back()

    def _lane(self, provider: str) -> Lane | None:
        lane = self._lanes.get(provider)
        if lane is not None:
            return lane
        pace = self._pace if isinstance(self._pace, Pace) else self._pace.get(provider)
        if pace is None:
            return None
        where = None if pace.shared is None else str(pace.shared)
        if where is not None and where not in self._ledgers:
            self._ledgers[where] = open_ledger(where)
        keys = "\0".join(sorted(self._secrets(provider)))
        name = f"{provider} {sha256(keys.encode()).hexdigest()[:16]}"
        return self._lanes.setdefault(provider, Lane(name, pace, self._ledgers[where], self._clock))
