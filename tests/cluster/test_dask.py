"""The recipe for Dask: the class made for Ray on partitions, in threads and on two worker processes."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from llmring.ray import Chat
from llmring.testing import Simulator
from workers import killer, ring_maker

pytestmark = [pytest.mark.ray, pytest.mark.timeout(170)]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def chat(simulator: Simulator, pids: Path) -> Any:
    make = ring_maker(simulator, pids)
    return Chat("openai:gpt-4o-mini", prompt="Where? {text}", schema=SCHEMA, ring=make, concurrency=2)()


def frame(rows: int, partitions: int) -> Any:
    table = import_module("pandas").DataFrame({"id": range(rows), "text": [f"row {n}." for n in range(rows)]})
    return import_module("dask.dataframe").from_pandas(table, npartitions=partitions)


def check(out: Any, rows: int) -> None:
    assert list(out["id"]) == [*range(rows)]
    assert list(out.loc[out["error"].notna(), "id"]) == [13]
    assert list(out.loc[out["name"] == "Oslo", "id"]) == [n for n in range(rows) if n != 13]


def test_partitions_get_columns_and_nothing_is_sent_to_find_their_types(
    simulator: Simulator, tmp_path: Path
) -> None:
    ask, source = chat(simulator, tmp_path), frame(20, 4)
    answered = source.map_partitions(ask, meta=ask(source._meta))
    assert list(answered.columns[:4]) == ["id", "text", "answer", "name"]
    assert not simulator.requests
    out = answered.compute(scheduler="threads")
    assert list(out.dtypes) == list(answered.dtypes)
    check(out, 20)
    assert len(simulator.requests) == 20


def test_a_killed_worker_loses_no_row(simulator: Simulator, tmp_path: Path) -> None:
    distributed = import_module("distributed")
    ask, source = chat(simulator, tmp_path), frame(120, 12)
    local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**local) as cluster, distributed.Client(cluster) as client:
        killing = killer(simulator, tmp_path)
        check(client.compute(source.map_partitions(ask, meta=ask(source._meta))).result(), 120)
        killing.join(1)
        assert not killing.is_alive()
    assert len(simulator.requests) >= 120
