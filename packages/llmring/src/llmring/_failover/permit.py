"""Leave to send one attempt: a place at the provider, and the dollars set aside for it."""

from decimal import Decimal

from llmring._failover.limits import Place
from llmring._money.budgets import Reservation


class Permit:
    """Held while an attempt is under way. A stream takes the place along, and settles the dollars when it ends.

    Attributes:
        reservation: the dollars; ``None`` where no budget bounds the call.
    """

    def __init__(self, place: Place | None, reservation: Reservation | None) -> None:
        self.reservation = reservation
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
