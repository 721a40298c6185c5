"""Bulk jobs on a real cluster of Ray: two workers on this machine, which the tests start and kill."""

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from llmring import Pace, Policy
from llmring.ray import Chat
from llmring.testing import Simulator
from workers import CITY, killer, ring_maker

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(170),
    # Ray leaves the log of a dataset open.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
COLUMNS = (
    "answer",
    "error",
    "error_type",
    "model",
    "cost",
    "input_tokens",
    "output_tokens",
    "attempts",
)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray Data, on a cluster of two CPUs; it ends with this process."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder,  # paths of sockets must be short
    ):
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # no copy of this folder for the workers
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("HOME", folder)
        ray = import_module("ray")
        data = import_module("ray.data")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 * 2**20,
            log_to_driver=False,
        )
        data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()


def dataset(ray: Any, rows: int, blocks: int) -> Any:
    items = [{"id": place, "text": f"row {place}."} for place in range(rows)]
    return ray.data.from_items(items, override_num_blocks=blocks)


def actors(ray: Any, number: int = 2) -> Any:
    return ray.data.ActorPoolStrategy(size=number)


@pytest.mark.parametrize("batch_format", ["default", "pandas"])
def test_rows_get_columns_and_one_bad_row_ends_nothing(
    ray: Any, simulator: Simulator, batch_format: str
) -> None:
    @dataclasses.dataclass
    class City:
        name: str
        people: int | None
        tags: list[str]

    chat = Chat("openai:gpt-4o-mini", prompt="Where? {text}", schema=City, ring=ring_maker(simulator))
    out = dataset(ray, 20, 2).map_batches(chat, compute=actors(ray), batch_size=10, batch_format=batch_format)
    rows = sorted(out.take_all(), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == [*range(20)]
    assert set(rows[0]) == {"id", "text", *CITY, *COLUMNS}
    bad = rows.pop(13)
    assert (bad["error_type"], bad["name"], bad["people"]) == ("StructuredOutputError", None, None)
    for row in rows:
        assert (row["name"], row["people"], list(row["tags"]), row["error"]) == ("Oslo", 7, ["north"], None)
        assert row["input_tokens"] > 0
    assert len(simulator.requests) == 20


def test_a_killed_worker_loses_no_row(ray: Any, simulator: Simulator, tmp_path: Path) -> None:
    chat = Chat(
        "openai:gpt-4o-mini", prompt="Where? {text}", ring=ring_maker(simulator, tmp_path), concurrency=2
    )
    killing = killer(simulator, tmp_path)
    out = dataset(ray, 120, 12).map_batches(chat, compute=actors(ray), batch_size=10).take_all()
    killing.join(1)
    assert not killing.is_alive()
    assert len(list(tmp_path.iterdir())) > 2  # another worker took its place
    assert sorted(row["id"] for row in out) == [*range(120)]
    assert all(row["error"] is None for row in out)
    assert 120 <= len(simulator.requests) <= 120 + 2 * 10  # blocks under way are asked again


def test_a_block_that_is_run_again_after_a_kill_asks_only_what_was_under_way(
    ray: Any, simulator: Simulator, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    chat = Chat(
        "openai:gpt-4o-mini",
        prompt="Where? {text}",
        ring=ring_maker(simulator, pids),
        concurrency=2,
        journals=tmp_path / "journals",
    )
    killing = killer(simulator, pids)
    out = dataset(ray, 80, 4).map_batches(chat, compute=actors(ray), batch_size=20).take_all()
    killing.join(1)
    assert not killing.is_alive()
    assert sorted(row["id"] for row in out) == [*range(80)]
    assert all(row["error"] is None for row in out)
    assert 80 <= len(simulator.requests) <= 80 + 4  # the calls under way of one worker, and not its block


def test_equal_blocks_share_a_journal(ray: Any, simulator: Simulator, tmp_path: Path) -> None:
    chat = Chat("openai:gpt-4o-mini", prompt="Same", ring=ring_maker(simulator), journals=tmp_path)
    out = dataset(ray, 20, 4).map_batches(chat, compute=actors(ray), batch_size=5).take_all()
    assert len(out) == 20
    assert all(row["error"] is None for row in out)
    assert len(simulator.requests) == 1


def test_actors_share_a_pace_that_an_actor_keeps(ray: Any, simulator: Simulator) -> None:
    policy = Policy(pace=Pace(requests_per_minute=600, shared="ray:test"))
    chat = Chat("openai:gpt-4o-mini", prompt="Where? {text}", ring=ring_maker(simulator, policy=policy))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(first_request, simulator)
        out = dataset(ray, 80, 4).map_batches(chat, compute=actors(ray), batch_size=20).take_all()
        seconds = time.monotonic() - first.result()
    assert [row["error"] for row in out] == [None] * 80
    assert len(simulator.requests) == 80
    assert seconds > 6.5  # eight at ten in a second; with a pace of its own each actor would need four


def first_request(simulator: Simulator) -> float:
    while not simulator.requests:
        Event().wait(0.01)
    return time.monotonic()


def test_a_checkpoint_of_ray_asks_only_for_the_rest(ray: Any, simulator: Simulator, tmp_path: Path) -> None:
    checkpoint = import_module("ray.data.checkpoint")
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = checkpoint.CheckpointConfig(
        id_column="id", checkpoint_path=str(tmp_path / "checkpoint"), delete_checkpoint_on_success=False
    )
    try:
        chat = Chat("openai:gpt-4o-mini", prompt="Where? {text}", ring=ring_maker(simulator))
        for done, rows in ((0, 10), (10, 15)):
            lines = [f'{{"id": {place}, "text": "row {place}."}}\n' for place in range(done, rows)]
            (source / f"{rows}.jsonl").write_text("".join(lines))
            # Calls wait for the network; the reader and Ray's filter of rows take a CPU each.
            answered = ray.data.read_json(str(source)).map_batches(chat, compute=actors(ray, 1), num_cpus=0)
            answered.write_parquet(str(out))
            assert len(simulator.requests) == rows
    finally:
        context.checkpoint_config = None
    assert ray.data.read_parquet(str(out)).count() == 15
