"""Blocks of rows, answered without a cluster: outcomes as columns of fixed types."""

import gc
import math
import pickle
import sqlite3
import sys
import time
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any
from weakref import ReferenceType, ref

import msgspec
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from llmring import LLMRing, Pace, Policy
from llmring.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    MissingSDKError,
    ProfileNotFoundError,
    ValidationError,
)
from llmring.ray import BlockChat, Chat
from llmring.testing import FakeProvider
from llmring_lockfile import Lockfile
from llmring_providers import ChatCall


class City(msgspec.Struct):
    name: str
    people: int | None
    tags: list[str]
    more: dict[str, int]


ANSWER = '{"name": "Oslo", "people": 7, "tags": ["a"], "more": {"x": 1}}'


def echo(call: ChatCall) -> str:
    return str(call.request.messages[-1].content)


def chat(*replies: Any, **options: Any) -> tuple[BlockChat, FakeProvider]:
    provider = FakeProvider(*replies)

    def make_ring() -> Any:
        ring = LLMRing.sync()
        ring.register_provider("fake", provider)
        return ring

    kind = Chat("fake:x", **{"prompt": "Where is {text}?", "ring": make_ring, "max_tokens": 9, **options})
    return kind(), provider


def block(*texts: str | None, **columns: list[Any]) -> Any:
    return pa.table({"text": [*texts], **columns})


def test_every_row_has_its_outcome_in_its_place_and_a_bad_one_ends_nothing() -> None:
    asker, provider = chat(echo, prompt="{{ 1 / n }} {{ text }}")
    out = asker(block("a", "b", "c", n=[1, 0, 2]))
    assert out["text"].to_pylist() == ["a", "b", "c"]
    assert out["answer"].to_pylist() == ["1.0 a", None, "0.5 c"]
    assert out["error_type"].to_pylist() == [None, "ValidationError", None]
    assert "division by zero" in out["error"][1].as_py()
    assert out["model"].to_pylist() == ["fake:x", None, "fake:x"]
    assert out["attempts"].to_pylist() == [1, 0, 1]
    assert len(provider.calls) == 2


def test_blocks_of_numpy_become_tables_whose_columns_have_types_without_a_value() -> None:
    asker, _ = chat(echo, "x", prompt="{text}/{n}", concurrency=1)
    out = asker({"text": np.array(["a", None], dtype=object), "n": np.array([1.5, math.nan])})
    assert out["answer"].to_pylist() == ["a/1.5", "x"]
    assert out.schema.field("error").type == pa.string()
    assert out["n"].type == pa.float64()


@pytest.mark.parametrize("column", [np.zeros((2, 3)), [np.zeros(2), np.zeros(3)], [object(), object()]])
def test_blocks_of_numpy_with_what_arrow_has_not_stay_as_they_are(column: Any) -> None:
    asker, _ = chat("x", "no", schema=schema_of("integer"), prompt="{text}", concurrency=1)
    out = asker({"text": np.array(["a", "b"]), "column": column})
    assert out["column"] is column
    assert list(out["n"]) == [None, None]
    assert list(out["attempts"]) == [1, 1]


def test_blocks_of_pandas_stay_data_frames() -> None:
    asker, provider = chat(echo, prompt="{text}/{n}/{list}", concurrency=1)
    rows = pd.DataFrame({"text": ["a", None], "n": [1.5, math.nan], "list": [[1], []]})
    out = asker(rows)
    assert list(out)[:3] == list(rows)
    assert [each.request.messages[-1].content for each in provider.calls] == ["a/1.5/[1]", "//[]"]
    assert list(out["answer"]) == ["a/1.5/[1]", "//[]"]
    assert out["error"].isna().all()
    assert list(out["attempts"]) == [1, 1]


def test_the_fields_of_a_schema_are_columns_of_their_types() -> None:
    asker, _ = chat(ANSWER, "no JSON", schema=City, concurrency=1)
    out = asker(block("a", "b", name=["x", "y"]))
    assert out.schema.field("llmring_name").type == pa.string()
    assert out.schema.field("people").type == pa.int64()
    assert out.schema.field("tags").type == pa.list_(pa.string())
    assert out["llmring_name"].to_pylist() == ["Oslo", None]
    assert out["people"].to_pylist() == [7, None]
    assert out["tags"].to_pylist() == [["a"], None]
    assert out["more"].to_pylist() == ['{"x":1}', None]
    assert out["error_type"].to_pylist() == [None, "StructuredOutputError"]


def test_the_columns_of_blocks_are_the_same_whatever_was_answered() -> None:
    empty, answered, failed = (
        chat(*replies, schema=City)[0](rows)
        for replies, rows in (
            ((), block().cast(pa.schema([("text", pa.string())]))),
            ((ANSWER,), block("a")),
            (("no",), block("a")),
        )
    )
    assert empty.schema == answered.schema == failed.schema
    assert empty.num_rows == 0


def test_a_number_that_no_column_holds_is_the_error_of_its_row() -> None:
    asker, _ = chat(f'{{"n": {2**70}}}', '{"n": 1}', schema=schema_of("integer"), concurrency=1)
    out = asker(block("a", "b"))
    assert out["n"].to_pylist() == [None, 1]
    assert out["error"][0].as_py() == "the answer's n does not fit a column of int64"
    assert out["error"][1].as_py() is None


def schema_of(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"n": {"type": kind}},
        "required": ["n"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "reply", "expected"),
    [
        (list[int], '{"value": [1, 2]}', [1, 2]),
        ({"type": "array", "items": {"type": "string"}}, '["a"]', ["a"]),
    ],
)
def test_an_answer_that_is_no_object_is_one_column(schema: Any, reply: str, expected: list[Any]) -> None:
    asker, _ = chat(reply, schema=schema)
    out = asker(block("a"))
    assert out["error"].to_pylist() == [None]
    assert out["parsed"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": ["number", "null"]}, pa.float64()),
        ({"enum": ["a", "b"]}, pa.string()),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, pa.string()),
        ({"type": "object", "properties": {"x": {"type": "boolean"}}}, pa.struct([("x", pa.bool_())])),
        ({"$ref": "#/$defs/Tree"}, pa.string()),
        ({"$ref": "#/$defs/Loop"}, pa.string()),
        (True, pa.string()),
        ({"anyOf": [True, {"type": "null"}]}, pa.string()),
        ({"type": "array", "items": {"$ref": "#/definitions/Old"}}, pa.list_(pa.bool_())),
    ],
)
def test_what_arrow_has_no_type_for_is_json(schema: Any, kind: Any) -> None:
    tree = {"type": "object", "properties": {"more": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    whole = {
        "type": "object",
        "properties": {"n": schema},
        "$defs": {"Tree": tree, "Loop": {"$ref": "#/$defs/Loop"}},
    }
    whole["definitions"] = {"Old": {"type": "boolean"}}
    asker, _ = chat(schema=whole)
    assert asker(block()).schema.field("n").type == kind


def test_a_block_that_is_run_again_asks_nothing_twice(tmp_path: Path) -> None:
    asker, provider = chat("one", "two", journals=tmp_path / "journals", concurrency=1)
    first = asker(block("a", "b"))
    again, _ = chat(journals=tmp_path / "journals")
    assert again(block("a", "b"))["answer"] == first["answer"]
    assert len(provider.calls) == 2
    assert len(list(tmp_path.glob("journals/*.db"))) == 1


def test_a_journal_that_is_none_ends_the_job(tmp_path: Path) -> None:
    asker, _ = chat("one", journals=tmp_path)
    asker(block("a"))
    (path,) = tmp_path.glob("*.db")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others may"):
        asker(block("a"))


def test_the_lockfile_and_the_profile_travel_and_no_key_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key-of-the-driver")
    monkeypatch.setenv("LLMRING_PROFILE", "night")
    lock = tmp_path / "llmring.lock"
    lock.write_text('version = "1.0"\n[[profiles.night.bindings]]\nalias = "a"\nmodels = ["sim:demo"]\n')
    settings = Chat("a", prompt="{text}", lockfile=lock)._settings
    packed = pickle.dumps(tuple(settings))
    assert b"sk-secret" not in packed
    lock.unlink()
    monkeypatch.delenv("LLMRING_PROFILE")
    kind = type("Chat", (BlockChat,), {"_settings": type(settings)(*pickle.loads(packed))})  # noqa: S301 - our own
    assert kind()(block("Hello"))["model"].to_pylist() == ["sim:demo"]


def test_the_blocks_of_a_job_share_a_ring_in_each_process() -> None:
    made = []

    def make_ring() -> Any:
        made.append(LLMRing.sync())
        return made[-1]

    kind = Chat("sim:demo", prompt="{text}", ring=make_ring)
    for asker in (kind(), copy(kind())):
        asker(block("a"))
    Chat("sim:demo", prompt="{text}", ring=make_ring)()(block("a"))
    assert len(made) == 2


def test_the_rings_of_earlier_jobs_are_let_go() -> None:
    made: list[ReferenceType[Any]] = []

    def make_ring() -> Any:
        ring = LLMRing.sync()
        made.append(ref(ring))
        return ring

    for _ in range(10):
        Chat("sim:demo", prompt="{text}", ring=make_ring)()(block("a"))
    gc.collect()
    assert [ring() is None for ring in made] == [True, True, *[False] * 8]


def test_a_type_as_response_format_is_a_schema_too() -> None:
    asker, _ = chat('{"name": "Oslo", "people": 7, "tags": [], "more": {}}', response_format=City)
    assert asker(block("a"))["people"].to_pylist() == [7]


def test_what_is_no_ring_ends_the_job() -> None:
    asker = Chat("sim:demo", prompt="{text}", ring=LLMRing)()  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"returns LLMRing.sync\(…\); got LLMRing"):
        asker(block("a"))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"policy": Policy(pace=Pace(shared="redis://:pass@host/0"))}, "holds a password"),
        ({"policy": Policy(pace={"openai": Pace(shared="rediss://me:pass@host/0")})}, "holds a password"),
        ({"policy": Policy(), "ring": LLMRing.sync}, "either ring, or"),
        ({"temprature": 1}, "no such field of a request"),
        ({"policy": "fast"}, "policy must be"),
        ({"prompt": "{{ x"}, "not a template"),
        ({"schema": "City"}, "neither a type nor"),
        ({"concurrency": 0}, "1 or more"),
        ({"model": block("a")}, "give map_batches what Chat returns"),
    ],
)
def test_mistakes_are_explained_before_anything_is_sent(options: dict[str, Any], match: str) -> None:
    with pytest.raises((ValidationError, ConfigurationError), match=match) as caught:
        Chat(**{"model": "sim:demo", "prompt": "{text}", **options})
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize("pace", [Pace(shared="redis://host/0"), {"openai": Pace(requests_per_minute=9)}])
def test_a_policy_without_a_password_travels(pace: Any) -> None:
    assert Chat("sim:demo", prompt="{text}", policy=Policy(pace=pace))()(block()).num_rows == 0


def test_an_alias_that_is_not_bound_is_an_error_here_and_not_of_every_row() -> None:
    with pytest.raises(AliasNotFoundError, match="llmring bind summarizer"):
        Chat("summarizer", prompt="{text}")
    with pytest.raises(ProfileNotFoundError, match="night"):
        Chat("summarizer", prompt="{text}", lockfile=Lockfile(), profile="night")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[ray\]"):
        Chat("sim:demo", prompt="{text}")


def test_a_journal_that_another_actor_uses_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = chat("one", journals=tmp_path)
    first(block("a"))
    (journal,) = tmp_path.glob("*.db")
    with closing(sqlite3.connect(f"{journal}-lock", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(time, "sleep", lambda _: holder.rollback())  # the other is done by then
        again, provider = chat(journals=tmp_path)
        assert again(block("a"))["answer"].to_pylist() == ["one"]
    assert not provider.calls


def test_a_journal_that_stays_in_use_fails_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmring.bulk._journal._LOCK_WAIT_S", 0.0)
    monkeypatch.setattr("llmring.ray._chat._LONGEST_WAIT_S", 0.0)
    first, _ = chat("one", journals=tmp_path)
    first(block("a"))
    (journal,) = tmp_path.glob("*.db")
    with closing(sqlite3.connect(f"{journal}-lock", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        again, _ = chat(journals=tmp_path)
        with pytest.raises(ConfigurationError, match="in use by another run"):
            again(block("a"))
