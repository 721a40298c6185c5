"""The queue before an attempt is sent: a place at the provider, room in the budget, and the permit of both."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

import msgspec
from llmring_providers import ProviderStream
from llmring_types import LLMRequest, StreamChunk
from llmring_types.exceptions import ProviderTimeoutError

from llmring._failover.planner import Breakers
from llmring._money.budgets import Reservation
from llmring._money.calls import CallBudget
from llmring._routing import Candidate
from llmring._runtime import Clock, TimeLimitError, within

if TYPE_CHECKING:
    from anyio.lowlevel import RunVar

    from llmring._failover.pace import Pacer, Ticket


class _Provider:
    """The places of one provider on one event loop, and who holds them."""

    def __init__(self, places: int) -> None:
        import anyio  # noqa: PLC0415 - only where calls are bounded

        self.places = places
        self.semaphore: anyio.Semaphore = anyio.Semaphore(places)
        self.holders: Counter[object] = Counter()


class Place:
    """A place that somebody holds."""

    def __init__(self, provider: _Provider, owner: object) -> None:
        self._provider: _Provider | None = provider
        self._owner = owner
        provider.holders[owner] += 1

    def release(self) -> None:
        """Give it back; safe more than once."""
        provider, self._provider = self._provider, None
        if provider is None:
            return
        provider.holders -= Counter({self._owner: 1})
        provider.semaphore.release()


_Rings: TypeAlias = "WeakKeyDictionary[Limits, dict[str, _Provider]]"


class Limits:
    """Places for concurrent calls, first come, first served. A stream holds its place until it ends.

    Args:
        places: provider to most calls at once, in each event loop; a provider that is not named has no limit.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self._places = places

    def bound(self, name: str) -> bool:
        """Return whether a provider has a limit."""
        return name in self._places

    async def take(self, name: str, owner: object) -> Place | None:
        """Wait for a place; ``None`` where there is no limit.

        Args:
            name: the provider.
            owner: the task whose call it is; ``None`` where that is not known.

        Raises:
            ProviderTimeoutError: the task holds every place itself, by streams that it has not read to their end: no
                wait would end.
        """
        if name not in self._places:
            return None
        provider = self._provider(name)
        if not provider.semaphore.value and owner is not None and provider.holders[owner] >= provider.places:
            raise ProviderTimeoutError(
                f"max_concurrent allows {provider.places} at once, and this task holds them all by streams that it has "
                "not closed; nothing was sent",
                provider=name,
            )
        await provider.semaphore.acquire()
        return Place(provider, owner)

    def _provider(self, name: str) -> _Provider:
        providers = _rings().setdefault(self, {})
        provider = providers.get(name)
        if provider is None:
            provider = providers[name] = _Provider(self._places[name])
        return provider


@cache
def _variable() -> "RunVar[_Rings]":
    from anyio.lowlevel import RunVar  # noqa: PLC0415 - only where calls are bounded

    return RunVar("places")


def _rings() -> _Rings:
    """Return the places of all rings on the running event loop."""
    variable = _variable()
    rings: _Rings | None = variable.get(None)
    if rings is None:
        rings = WeakKeyDictionary()
        variable.set(rings)
    return rings


class PlacedStream(msgspec.Struct):
    """A stream that gives its place back when it ends."""

    stream: ProviderStream
    place: Place

    async def receive(self) -> Sequence[StreamChunk]:
        return await self.stream.receive()

    def partial(self) -> StreamChunk:
        return self.stream.partial()

    async def finish(self) -> None:
        try:
            await self.stream.finish()
        finally:
            self.place.release()

    def close(self) -> None:
        try:
            self.stream.close()
        finally:
            self.place.release()


class Permit:
    """Held while an attempt is under way. A stream takes the place along, and settles the dollars when it ends.

    Attributes:
        reservation: the dollars; ``None`` where no budget bounds the call.
        ticket: the requests and tokens; ``None`` where nothing paces the call.
    """

    def __init__(
        self, place: Place | None, reservation: Reservation | None, ticket: "Ticket | None" = None
    ) -> None:
        self.reservation = reservation
        self.ticket = ticket
        self._place = place

    def take_place(self) -> Place | None:
        """Hand the place over to whoever calls this."""
        place, self._place = self._place, None
        return place

    def leave(self) -> None:
        """Give the place back, unless somebody has taken it over."""
        if self._place is not None:
            self._place.release()

    def cancel(self) -> None:
        """Give everything back: nothing was sent."""
        self.leave()
        if self.reservation is not None:
            self.reservation.settle(Decimal(0))
        if self.ticket is not None:
            self.ticket.give_back()


class Queue:
    """The wait of the attempts of one call.

    Args:
        limits: of the ring.
        breakers: of the ring.
        clock: that of failover.
        budget: sets aside what an attempt may cost; ``None`` where nothing bounds the call.
        pacer: paces the calls; ``None`` where nothing does.
        owner: the task whose call it is.
        deadline: of the call, by the clock.
        request: for the estimate of its tokens.
    """

    def __init__(
        self,
        limits: Limits,
        breakers: Breakers,
        clock: Clock,
        budget: CallBudget | None,
        pacer: "Pacer | None" = None,
        *,
        owner: object,
        deadline: float | None,
        request: LLMRequest | None = None,
    ) -> None:
        self._pacer = pacer
        self._request = request
        self._limits = limits
        self._breakers = breakers
        self._clock = clock
        self._budget = budget
        self._owner = owner
        self._deadline = deadline

    def concerns(self, provider: str) -> bool:
        """Return whether calls to a provider have anything to wait for."""
        if self._budget is not None or self._limits.bound(provider):
            return True
        return self._pacer is not None and self._pacer.concerns(provider)

    async def pass_through(self, candidate: Candidate) -> Permit:
        """Wait for a place and for the budget, within the deadline, and look again at what may have changed meanwhile.

        Raises:
            LLMRingError: the candidate must not be asked now. It tells nothing about the model.
        """
        if self._deadline is None:
            permit = await self._permit(candidate)
        else:
            permit = await self._permit_in_time(candidate, self._deadline)
        if self._breakers.states:
            refusal = self._breakers.refusal(candidate.ref, self._clock.now())
            if refusal is not None:
                permit.cancel()
                raise refusal
        return permit

    async def _permit_in_time(self, candidate: Candidate, deadline: float) -> Permit:
        left = max(0.0, deadline - self._clock.now())
        try:
            permit = await within(left, self._permit(candidate))
        except TimeLimitError:
            raise _too_late(candidate, left) from None
        if self._clock.now() >= deadline:
            permit.cancel()
            raise _too_late(candidate, left)
        return permit

    async def _permit(self, candidate: Candidate) -> Permit:
        limits, provider = self._limits, candidate.ref.provider
        permit = Permit(await limits.take(provider, self._owner) if limits.bound(provider) else None, None)
        try:
            if self._budget is not None:
                permit.reservation = await self._budget.reserve(candidate, self._owner)
            if self._pacer is not None:
                permit.ticket = await self._pacer.admit(candidate.ref, self._request)
        except BaseException:
            permit.cancel()
            raise
        return permit


def _too_late(candidate: Candidate, seconds: float) -> ProviderTimeoutError:
    return ProviderTimeoutError(
        f"the deadline of the call came after {seconds:g} s in llmring's own queue, for a place (max_concurrent), "
        "for the pace, or for budget that calls under way had set aside; nothing was sent",
        provider=candidate.ref.provider,
        model=candidate.ref.model,
        timeout=seconds,
    )
