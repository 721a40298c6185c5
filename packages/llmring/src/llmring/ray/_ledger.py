"""The ledger of paces of a cluster: an actor of Ray, found by its name."""

from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Lock
from typing import Any

from llmring_types.exceptions import ConfigurationError, MissingSDKError

from llmring._failover.ledgers import MemoryLedger, Rates
from llmring._runtime import SystemClock

_NAMESPACE = "llmring"
_LEASE_S = 0.5
_ANSWER_S = 30.0


class _Keeper:
    """The ledger, within the actor; its event loop runs one call after the other."""

    def __init__(self) -> None:
        self._ledger = MemoryLedger(SystemClock())

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        return await self._ledger.take(lane, amounts, rates)

    async def block(self, lane: str, seconds: float) -> None:
        await self._ledger.block(lane, seconds)


class RayLedger:
    """A ledger that all rings of a cluster share, in an actor that takes no CPU.

    The first ring to need it makes it. It ends with that ring's process, and the next call makes another, which knows
    nothing of what was given away: half a second's worth at most.

    Args:
        name: of the ledger.

    Raises:
        ConfigurationError: it has no name, or this process is not part of a cluster.
        MissingSDKError: Ray is not installed.
    """

    lease_s = _LEASE_S

    def __init__(self, name: str) -> None:
        if not name:
            raise ConfigurationError("the shared pace has no name: write ray:NAME")
        try:
            self._ray: Any = import_module("ray")
        except ImportError as error:
            raise MissingSDKError(
                "a pace that an actor of Ray keeps needs Ray: pip install 'llmring[ray]'", original=error
            ) from error
        if not self._ray.is_initialized():
            raise ConfigurationError(
                f"the pace ray:{name} is for rings in tasks and actors of Ray, and no cluster is at hand: "
                "call ray.init first, or share the pace by a file or Redis"
            )
        self._name = f"pace:{name}"
        self._lock = Lock()
        self._keeper: Any = None

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        return float(await self._call(lambda keeper: keeper.take.remote(lane, amounts, rates)))

    async def block(self, lane: str, seconds: float) -> None:
        await self._call(lambda keeper: keeper.block.remote(lane, seconds))

    async def _call(self, call: Callable[[Any], Any]) -> Any:
        from anyio import to_thread  # noqa: PLC0415 - only for shared paces

        return await to_thread.run_sync(self._run, call)

    def _run(self, call: Callable[[Any], Any]) -> Any:
        errors = self._ray.exceptions
        try:
            try:
                return self._ray.get(call(self._found()), timeout=_ANSWER_S)
            except errors.RayActorError:  # its maker has ended, and it with that
                return self._ray.get(call(self._found(anew=True)), timeout=_ANSWER_S)
        except (errors.RayError, ValueError) as error:
            raise ConfigurationError(
                f"the pace cannot be shared over Ray: its actor {self._name} does not answer "
                f"({type(error).__name__}); check the cluster",
                original=error,
            ) from error

    def _found(self, *, anew: bool = False) -> Any:
        """Return the actor. Ray ends it when the last handle of its maker is gone, so the handle is kept."""
        with self._lock:
            if self._keeper is None or anew:
                self._keeper = (
                    self._ray.remote(_Keeper)
                    .options(name=self._name, namespace=_NAMESPACE, get_if_exists=True, num_cpus=0)
                    .remote()
                )
            return self._keeper
