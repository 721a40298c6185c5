"""A key and its limits."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, Self, get_args

import msgspec
from llmring_types.exceptions import ConfigurationError, ValidationError

Period = Literal["day", "week", "month", "total"]
MOST_USD = 9_000_000
"""Dollars that SQLite's 64 bits hold in units of 10^-12, and the 53 bits of a Lua number in units of 10^-9."""


class Budget(msgspec.Struct, frozen=True):
    """US dollars that may be spent in each period of the calendar (UTC); ``total`` never begins anew.

    Attributes:
        limit: US dollars.
        period: ``day``, ``week`` (from Monday), ``month`` or ``total``.
    """

    limit: Decimal
    period: Period = "total"

    def __post_init__(self) -> None:
        if not (self.limit.is_finite() and 0 < self.limit <= MOST_USD):
            raise ValidationError(f"a budget is above 0 and at most {MOST_USD:,} dollars; got {self.limit}")

    def __str__(self) -> str:
        return f"${self.limit}" if self.period == "total" else f"${self.limit}/{self.period}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``20/month``, ``0.5/day``, ``100``; a dollar sign may stand before it.

        Raises:
            ValidationError: it is none of these (also a ``ValueError``).
        """
        amount, slash, period = text.strip().removeprefix("$").partition("/")
        try:
            limit = Decimal(amount)
        except InvalidOperation:
            limit = Decimal(0)
        name = period.strip().lower() if slash else "total"
        if not (limit.is_finite() and limit > 0) or name not in get_args(Period):
            raise ValidationError(f"{text!r} is no budget: write 20/month, 5/week, 0.5/day or 100")
        return cls(limit, name)  # type: ignore[arg-type]  # looked up in the list of periods

    def current(self, now: datetime | None = None) -> str:
        """Return the name of the period that it is now: ``2026-11``, ``2026-W48``, ``2026-11-29``, ``total``."""
        moment = now or datetime.now(UTC)
        forms = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "total": "total"}
        return moment.strftime(forms[self.period])


class GatewayKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret.

    Attributes:
        id: names it in lists, logs and commands.
        name: for people.
        aliases: those that it may use; empty for all.
        profile: the lockfile's profile that it is bound to; ``None`` leaves the choice to the client.
        budget: dollars; ``None`` has no limit.
        rpm: requests within any 60 seconds.
        tpm: tokens within any 60 seconds, input and output.
        created_at: in UTC, ISO 8601.
        revoked_at: since when it is refused.
    """

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    profile: str | None = None
    budget: Budget | None = None
    rpm: int | None = None
    tpm: int | None = None
    created_at: str = ""
    revoked_at: str | None = None

    def __post_init__(self) -> None:
        for field in ("rpm", "tpm"):
            value = getattr(self, field)
            if value is not None and (isinstance(value, bool) or not 0 < value < 2**53):
                raise ValidationError(f"{field} must be an integer, 1 or more; got {value!r}", field=field)

    def may_use(self, alias: str) -> bool:
        """Return whether the key is for this alias."""
        return not self.aliases or alias in self.aliases


class KeyState(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and what has become of its budget in the present period. Amounts are US dollars.

    Attributes:
        key: the key.
        period: the present one; ``None`` where the key has no budget.
        spent: by calls that have ended; ``None`` where the key has no budget.
        reserved: at most, by calls under way.
        withheld: what ended calls may have cost beyond what is known, or calls of a process that died.
    """

    key: GatewayKey
    period: str | None = None
    spent: Decimal | None = None
    reserved: Decimal = Decimal(0)
    withheld: Decimal = Decimal(0)


class NewKey(msgspec.Struct, frozen=True):
    """A key that was made just now; its secret is kept nowhere.

    Attributes:
        key: what the store has of it.
        secret: what clients send.
    """

    key: GatewayKey
    secret: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id!r})"


class KeyStoreUnavailableError(ConfigurationError):
    """The store of keys does not answer: nobody can be let in, and nothing is wrong with the request."""


def to_units(amount: Decimal, per_dollar: int) -> int:
    """Return dollars in the unit of a ledger, rounded up."""
    return int((amount * per_dollar).to_integral_value("ROUND_CEILING"))


def to_dollars(units: int, per_dollar: int) -> Decimal:
    """Return an amount of a ledger in dollars."""
    return Decimal(units) / per_dollar
