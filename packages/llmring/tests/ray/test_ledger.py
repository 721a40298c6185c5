"""The ledger of paces in an actor, on a stand-in for Ray; ``tests/cluster`` has a real one."""

import sys
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from llmring._failover.ledgers import open_ledger
from llmring.exceptions import ConfigurationError, LLMRingError, MissingSDKError


class RayError(Exception):
    """As ``ray.exceptions.RayError``."""


class RayActorError(RayError):
    """As ``ray.exceptions.RayActorError``."""


class StandIn:
    """As much of Ray as the ledger uses: named actors, which can be ended, and calls of them."""

    exceptions = SimpleNamespace(RayError=RayError, RayActorError=RayActorError)

    def __init__(self) -> None:
        self.actors: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.failures: list[RayError] = []

    def is_initialized(self) -> bool:
        return True

    def remote(self, kind: Any) -> Any:
        def options(**options: Any) -> Any:
            self.options = options

            def make() -> Any:
                keeper = self.actors.setdefault(options["name"], kind())
                return SimpleNamespace(
                    **{
                        name: SimpleNamespace(
                            remote=lambda *given, name=name: (keeper, getattr(keeper, name), given)
                        )
                        for name in ("take", "block")
                    }
                )

            return SimpleNamespace(remote=make)

        return SimpleNamespace(options=options)

    def get(self, call: Any, *, timeout: float) -> Any:
        keeper, method, given = call
        if self.failures:
            raise self.failures.pop()
        if keeper not in self.actors.values():
            raise RayActorError
        assert timeout > 1

        async def run() -> Any:
            return await method(*given)

        return anyio.run(run)


RATES = (10.0, None, None, None)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    ray = StandIn()
    monkeypatch.setitem(sys.modules, "ray", ray)
    return ray


async def test_rings_of_one_name_take_from_one_ledger(ray: StandIn) -> None:
    one, two, other = open_ledger("ray:job"), open_ledger("ray:job"), open_ledger("ray:other")
    assert await one.take("lane", (10, 0, 0, 0), RATES) == 0
    assert await two.take("lane", (10, 0, 0, 0), RATES) == pytest.approx(0.5, abs=0.2)
    assert await other.take("lane", (10, 0, 0, 0), RATES) == 0
    await two.block("lane", 60)
    assert await one.take("lane", (1, 0, 0, 0), RATES) == pytest.approx(60, abs=1)
    assert ray.options == {
        "name": "pace:other",
        "namespace": "llmring",
        "get_if_exists": True,
        "num_cpus": 0,
    }


async def test_an_actor_that_ended_with_its_maker_is_made_anew(ray: StandIn) -> None:
    ledger = open_ledger("ray:job")
    await ledger.block("lane", 60)
    ray.actors.clear()
    assert await ledger.take("lane", (1, 0, 0, 0), RATES) == 0
    assert list(ray.actors) == ["pace:job"]


@pytest.mark.parametrize("failures", [[RayError()], [RayActorError(), RayActorError()]])
async def test_an_actor_that_does_not_answer_is_an_error_of_the_call(
    ray: StandIn, failures: list[RayError]
) -> None:
    ray.failures = failures
    with pytest.raises(ConfigurationError, match="its actor pace:job does not answer"):
        await open_ledger("ray:job").block("lane", 1)


def test_a_ledger_needs_a_name_a_cluster_and_ray(ray: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="write ray:NAME"):
        open_ledger("ray:")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ConfigurationError, match="no cluster is at hand"):
        open_ledger("ray:job")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LLMRingError, match=r"llmring\[ray\]") as caught:
        open_ledger("ray:job")
    assert isinstance(caught.value, MissingSDKError)
