"""Policies: the behaviour of a ring when things go wrong."""

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec
from llmring_types.exceptions import ConfigurationError
from msgspec import UNSET, UnsetType

ContextCheck = Literal["warn", "error", "exact", "off"]
UnknownPrice = Literal["refuse", "allow"]

NO_STORE = "no_store"
"""The key of ``LLMRequest.cache`` that has a request neither answered from the cache nor kept."""
FROM_CACHE = "from the answer cache"
"""The message of an attempt that asked nobody."""


class _Options(msgspec.StructMeta):
    """Names what was probably meant by an option that there is not."""

    if not TYPE_CHECKING:  # checkers would take its signature for that of every policy

        def __call__(cls, *values: Any, **options: Any) -> Any:  # noqa: N805 - of a metaclass
            names = cls.__struct_fields__
            unknown = next((name for name in options if name not in names), None)
            if unknown is not None:
                from llmring_lockfile import did_you_mean, nearest  # noqa: PLC0415 - only for errors

                hint = did_you_mean(nearest(unknown, names, most=1), f"its options are {', '.join(names)}")
                raise ConfigurationError(f"{cls.__name__} has no option {unknown!r}{hint}")
            return super().__call__(*values, **options)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Options):
    """Retries of the last candidate. Nothing is asked again while another candidate can be tried at once.

    Attributes:
        attempts: requests to one candidate in all, the first included.
        base_s: the pause before the n-th retry is random between 0 and ``base_s * 2**(n-1)`` seconds (full jitter).
        max_s: upper limit of that pause.
        retry_after_cap_s: a ``Retry-After`` up to this many seconds is waited for; a longer one ends the call.
    """

    attempts: int = 2
    base_s: float = 0.25
    max_s: float = 2.0
    retry_after_cap_s: float = 30.0

    def __post_init__(self) -> None:
        _check_count("retry.attempts", self.attempts)
        for name in ("base_s", "max_s", "retry_after_cap_s"):
            check_seconds(f"retry.{name}", getattr(self, name))


class BreakerPolicy(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Options):
    """Conditions under which a model is left alone for a while.

    Attributes:
        failures: availability failures in a row that open the breaker; rate limits and rejections do not count.
        open_s: seconds until one probe is let through.
    """

    failures: int = 3
    open_s: float = 10.0

    def __post_init__(self) -> None:
        _check_count("breaker.failures", self.failures)
        check_seconds("breaker.open_s", self.open_s)


class Pace(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Options):
    """The pace of calls with a key. Limits that are not given are learned from the headers of answers.

    Attributes:
        requests_per_minute: most calls in a minute.
        tokens_per_minute: most tokens in a minute, input and output together: estimated before a call, corrected by its
            usage.
        shared: who else uses the key: a file shares the pace with the other processes of this user on this machine, an
            address of Redis or Valkey (``redis://host:6379/0``, extra ``redis``) with other machines, ``ray:NAME`` with
            the other tasks and actors of a Ray cluster (extra ``ray``). ``None`` is this ring alone.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    shared: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not _is_amount(value):
                raise ConfigurationError(f"pace.{name} must be a number above 0; got {value!r}")
        if self.shared is not None and not isinstance(self.shared, (str, Path)):
            raise ConfigurationError(
                f"pace.shared must be a path or an address of Redis; got {self.shared!r:.80}"
            )


class CachePolicy(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Options):
    """The answer cache of a ring, in memory: an answer is given again to a request that would be the same on the wire.

    Only whole answers are kept, those of streams too. Each hangs on the pool of its alias and the snapshots that the
    lockfile has of it, so that ``lock upgrade`` has everything asked anew. An answer from the cache costs 0, is marked
    in its attempts, and ``usage["cost_status"]`` is ``"answer_cache"``. ``LLMRequest(cache={"no_store": True})`` is
    neither answered from it nor kept.

    Attributes:
        ttl_s: seconds that an answer is kept.
        max_bytes: of all answers together; the least recently used are dropped first.
    """

    ttl_s: float = 3600.0
    max_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        check_seconds("cache.ttl_s", self.ttl_s)
        _check_count("cache.max_bytes", self.max_bytes)


class Policy(msgspec.Struct, frozen=True, kw_only=True, metaclass=_Options):
    """The policy of a ring for its calls: retries, failover, waits and refusals.

    Attributes:
        retry: when the last candidate is asked again.
        breaker: when a model is left alone; ``None`` never.
        deadline_s: seconds for the whole call, exact counts, all attempts and pauses together; a stream is within it
            once its first chunk has come. ``None`` has no such limit.
        first_chunk_timeout_s: seconds until a stream's first chunk; absent uses the timeout of the attempt.
        chunk_timeout_s: seconds between two chunks, or between signs of life while there is nothing to show, in the
            midst of a tool call; absent uses the timeout of the attempt, ``None`` waits for ever.
        fail_over_on_authentication: let a refused key move on to another provider of the pool.
        max_concurrent: provider to most calls at once, in each event loop; more wait, first come, first served. The
            wait counts against ``deadline_s`` alone: the timeout of an attempt begins when it has its place.
        pace: requests and tokens in a minute, for each key: a :class:`Pace`, or a mapping of provider to one. Calls
            wait for their turn, within ``deadline_s`` alone; one refusal (429) slows all calls of its key. ``None``
            does not pace calls; :meth:`LLMRing.map` then learns.
        hedge_after_s: start the next member beside the first when it has not answered so many seconds after it was sent
            to it; the first answer counts, the other call is cancelled. ``None`` never does.
        budget_usd: US dollars that all calls of the ring may cost together; ``None`` has no limit. What an attempt may
            cost at most is set aside when it is sent; one that fits only once calls under way have ended waits for
            them, and one that cannot fit is refused.
        unknown_price: what to do under a budget, of the ring or an alias, about a model whose price is not known:
            ``"refuse"`` passes over it, ``"allow"`` sends and does not count the call, with a warning.
            ``LLMRing(prices=)`` gives the price of a host of one's own.
        context_check: what to do about a request that is too long for the model, by a rough count: ``"warn"`` adds a
            sentence to the answer's warnings, ``"error"`` passes over the model, ``"off"`` does not look.
            ``"exact"`` is ``"error"`` by the provider's own count: where the rough one fills more than half
            of the window, the provider is asked first, which is one more request, within the timeout of an
            attempt; the rough count stands where it cannot tell.
        cache: keep answers and give them again to the same request: a :class:`CachePolicy`; ``None`` asks every time.
    """

    retry: RetryPolicy = msgspec.field(default_factory=RetryPolicy)
    breaker: BreakerPolicy | None = msgspec.field(default_factory=BreakerPolicy)
    deadline_s: float | None = None
    first_chunk_timeout_s: float | UnsetType | None = UNSET
    chunk_timeout_s: float | UnsetType | None = UNSET
    fail_over_on_authentication: bool = False
    max_concurrent: Mapping[str, int] = msgspec.field(default_factory=dict)
    pace: Pace | Mapping[str, Pace] | None = None
    hedge_after_s: float | None = None
    budget_usd: Decimal | float | None = None
    unknown_price: UnknownPrice = "refuse"
    context_check: ContextCheck = "warn"
    cache: CachePolicy | None = None

    def __post_init__(self) -> None:
        for name in ("deadline_s", "first_chunk_timeout_s", "chunk_timeout_s", "hedge_after_s"):
            check_seconds(name, getattr(self, name))
        if self.budget_usd is not None and not _is_amount(self.budget_usd):
            raise ConfigurationError(f"budget_usd must be a number above 0; got {self.budget_usd!r}")
        if self.context_check not in get_args(ContextCheck):
            raise ConfigurationError(
                f"context_check must be warn, error, exact or off; got {self.context_check!r}"
            )
        if self.unknown_price not in get_args(UnknownPrice):
            raise ConfigurationError(f"unknown_price must be refuse or allow; got {self.unknown_price!r}")
        for name, kinds in _PARTS.items():
            if not isinstance(getattr(self, name), kinds):
                raise ConfigurationError(f"{name} must be {_FORMS[name]}; got {getattr(self, name)!r}")
        for provider, places in self.max_concurrent.items():
            _check_count(f"max_concurrent[{provider!r}]", places)
        for provider, pace in (self.pace if isinstance(self.pace, Mapping) else {}).items():
            _check_pace(f"pace[{provider!r}]", pace)


_PARTS: dict[str, tuple[type, ...]] = {
    "retry": (RetryPolicy,),
    "breaker": (BreakerPolicy, type(None)),
    "max_concurrent": (Mapping,),
    "pace": (Pace, Mapping, type(None)),
    "cache": (CachePolicy, type(None)),
}
_FORMS = {
    "retry": "a RetryPolicy(…)",
    "breaker": "a BreakerPolicy(…) or None",
    "pace": "a Pace(…), a mapping of provider to one, or None",
    "cache": "a CachePolicy(…) or None",
    "max_concurrent": "a mapping of provider to calls, such as {'openai': 8}",
}


def check_seconds(name: str, value: object) -> None:
    """Refuse what is not a length of time; ``None``, for no limit, and an absent value are let through.

    Raises:
        ConfigurationError: negative, infinite, not a number.
    """
    if value is None or value is UNSET:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{name} must be a number of seconds, 0 or more; got {value!r}")


def check_policy(policy: object) -> None:
    """Refuse what is no policy.

    Raises:
        ConfigurationError: it is something else; ``None`` is the default one.
    """
    if policy is not None and not isinstance(policy, Policy):
        raise ConfigurationError(f"policy must be Policy(…); got {policy!r:.80}")


def check_bytes(name: str, value: object) -> None:
    """Refuse what is no size; ``None``, for no limit, and an absent value are let through.

    Raises:
        ConfigurationError: not an integer, or below 1.
    """
    if value is not None and value is not UNSET:
        _check_count(name, value)


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be an integer, 1 or more; got {value!r}")


def _check_pace(name: str, value: object) -> None:
    if not isinstance(value, Pace):
        raise ConfigurationError(f"{name} must be a Pace(…); got {value!r:.80}")


def _is_amount(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float, Decimal)) and math.isfinite(value) and value > 0
