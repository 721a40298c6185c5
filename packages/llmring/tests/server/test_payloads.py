"""What the server is told of a call."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring import CallRecord, LLMRequest, Message, ModelRef
from llmring.exceptions import StreamInterruptedError
from llmring.server import as_text
from llmring.server._payloads import conversation, is_reportable, usage_row
from llmring_types import Attempt
from records import record, response
from usage_rules import decode_body
from usage_store import UsageStore

decode = msgspec.json.decode


def row_of(found: CallRecord, conversation_id: str | None = None) -> dict[str, Any]:
    row: dict[str, Any] = decode(usage_row(found, conversation_id))
    return row


def exchange_of(found: CallRecord) -> dict[str, Any]:
    body: dict[str, Any] = decode(conversation(found))
    return body


def test_a_row_has_what_the_protocol_has() -> None:
    assert row_of(record()) == {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_input_tokens": 10,
        "alias": "fast",
        "profile": "prod",
        "cost": 2.625e-05,
        "latency_ms": 1500,
        "origin": "my-app",
        "id_at_origin": "0123456789abcdef0123456789abcdef",
        "metadata": {"model_alias": "openai:gpt-4o-mini", "finish_reason": "stop"},
    }


def test_a_row_names_its_conversation_in_the_two_places_where_it_is_looked_for() -> None:
    row = row_of(record(), "c-1")
    assert (row["id_at_origin"], row["metadata"]["conversation_id"]) == ("c-1", "c-1")


def test_what_is_not_known_is_left_out_and_never_zero() -> None:
    row = row_of(record(alias=None, profile=None, usage={"prompt_tokens": 1, "cost": None}))
    assert not {"alias", "profile", "cost"} & set(row)
    assert (row["output_tokens"], row["cached_input_tokens"]) == (0, 0)  # the protocol has no other word


def test_the_server_need_not_look_for_the_price_of_a_local_model() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": None, "cost_status": "local_model"}
    assert row_of(record(usage=usage))["cost"] == 0.0


def test_a_row_says_what_was_unusual() -> None:
    tried = Attempt(model="openai:gpt-4o-mini", outcome="error", error="ProviderTimeoutError")
    found = record(
        ending="failed",
        error=StreamInterruptedError("cut"),
        estimated=True,
        streamed=True,
        attempts=(tried, tried),
        failed_cost=Decimal("0.5"),
        request=LLMRequest(messages=[], metadata={"user": 7}),
    )
    assert row_of(found)["metadata"] == {
        "model_alias": "openai:gpt-4o-mini",
        "finish_reason": "stop",
        "ending": "failed",
        "error": "StreamInterruptedError",
        "estimated": True,
        "streamed": True,
        "attempts": 2,
        "failed_cost": 0.5,
        "request": {"user": 7},
    }


def test_an_exchange_has_what_the_protocol_has() -> None:
    messages = [
        Message(role="system", content="Be brief", metadata={"cache_control": {"type": "ephemeral"}}),
        Message(role="user", content="Hi", timestamp=datetime(2026, 11, 22, tzinfo=UTC)),
    ]
    found = exchange_of(record(request=LLMRequest(messages=messages)))
    assert found["messages"] == [
        {
            "role": "system",
            "content": "Be brief",
            "tool_calls": None,
            "tool_call_id": None,
            "timestamp": None,
            "metadata": {"cache_control": {"type": "ephemeral"}},
        },
        {
            "role": "user",
            "content": "Hi",
            "tool_calls": None,
            "tool_call_id": None,
            "timestamp": "2026-11-22T00:00:00Z",
            "metadata": None,
        },
    ]
    assert found["response"] == {
        "content": "Hello",
        "model": "openai:gpt-4o-mini",
        "finish_reason": "stop",
        "usage": record().usage,
    }
    assert found["metadata"] == {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "alias": "fast",
        "profile": "prod",
        "origin": "my-app",
        "cost": 2.625e-05,
        "input_cost": 1.35e-05,
        "output_cost": 1.2e-05,
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_tokens": 10,
    }


def test_tool_calls_and_their_results_are_told_both_ways() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        Message(role="assistant", content=None, tool_calls=[call]),  # type: ignore[list-item]
        Message(role="tool", content="42", tool_call_id="c1"),
    ]
    found = exchange_of(
        record(request=LLMRequest(messages=messages), response=response(content="", tool_calls=[call]))
    )
    assert found["messages"][0]["tool_calls"] == [call]
    assert found["messages"][1]["metadata"] == {"tool_call_id": "c1"}
    assert found["response"]["tool_calls"] == [call]


CONTENTS: list[tuple[object, str | None]] = [
    ("text", "text"),
    (None, None),
    ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
    ([{"type": "image_url", "image_url": {"url": "https://x/y.png"}}], "[image https://x/y.png]"),
    ([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}], "[image]"),
    (
        [{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"}}],
        "[document application/pdf]",
    ),
    ([{"type": "input_audio"}, "odd"], "[input_audio]\nodd"),
    ({"any": 1}, "{'any': 1}"),
]


@pytest.mark.parametrize(("content", "text"), CONTENTS)
def test_content_of_parts_becomes_text_without_the_bytes_of_media(content: object, text: str | None) -> None:
    assert as_text(content) == text


def test_what_providers_keep_to_themselves_is_not_told() -> None:
    message = Message(role="assistant", content="x", metadata={"native": {"signature": "s"}, "mine": 1})
    assert exchange_of(record(request=LLMRequest(messages=[message])))["messages"][0]["metadata"] == {
        "mine": 1
    }


def test_a_refusal_is_the_answer_where_there_is_no_other() -> None:
    assert exchange_of(record(response=response(content="", refusal="No.")))["response"]["content"] == "No."


def test_nul_becomes_a_character_that_databases_take_and_backslashes_stay() -> None:
    found = record(origin="a\x00b", request=LLMRequest(messages=[], metadata={"path": "C:\\u0000\\\x00"}))
    row = row_of(found)
    assert row["origin"] == "a\ufffdb"
    assert row["metadata"]["request"] == {"path": "C:\\u0000\\\ufffd"}


def test_values_without_a_form_in_json_are_told_by_their_repr() -> None:
    request = LLMRequest(messages=[], metadata={"ref": ModelRef, "n": Decimal("1.5")})
    assert "ModelRef" in row_of(record(request=request))["metadata"]["request"]["ref"]


def test_only_what_used_something_is_reported() -> None:
    assert is_reportable(record())
    assert not is_reportable(record(usage=None))
    assert not is_reportable(record(model=None))


names = st.text(max_size=300)
counts = st.integers(0, 2**40)
records = st.builds(
    record,
    origin=names,
    alias=st.none() | names,
    profile=st.none() | names,
    seconds=st.floats(0, 1e9),
    model=st.builds(ModelRef, names, names),
    request=st.builds(
        LLMRequest,
        messages=st.lists(
            st.builds(Message, role=st.sampled_from(["user", "system"]), content=st.text()), max_size=3
        ),
        metadata=st.none() | st.dictionaries(names, st.text() | st.floats() | st.binary(), max_size=2),
    ),
    usage=st.fixed_dictionaries(
        {"prompt_tokens": counts, "completion_tokens": counts, "cost": st.none() | st.floats(0, 1e6)}
    ),
)


@given(records)
def test_the_server_takes_whatever_is_told(found: CallRecord) -> None:
    """Its rules are those of the double, which answers as the real one did."""
    store = UsageStore()
    store.log("key", decode_body(usage_row(found, None), "application/json"))
    stored = store.log_conversation("key", decode_body(conversation(found), "application/json"))
    assert store.conversation("key", stored["conversation_id"], {})["message_count"] == (
        len(found.request.messages) + 1
    )
