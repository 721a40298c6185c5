"""What a script makes happen on the wire, as plain data."""

import json
import math
from typing import Any, get_args

import pytest
from llmring_providers.hosting import HostedRequest, ProtocolName, Route
from llmring_providers.sim import Answer, Call, Prompt, Rule, Script, Tokens, Turn, faults
from llmring_providers.sim.demo import count
from llmring_providers.sim.faults import Fault
from llmring_providers.sim.plan import Plan
from llmring_providers.sim.simulation import plan
from llmring_types import LLMRequest, Message

PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)


def asked(protocol: ProtocolName = "openai_chat", *, stream: bool = True) -> HostedRequest:
    route = Route(protocol=protocol, operation="chat", stream=stream)
    return HostedRequest(
        request=LLMRequest([Message(role="user", content="Hello")], "m"), route=route, stream=stream
    )


def prompt(*, stream: bool = True, **more: Any) -> Prompt:
    return Prompt(protocol="openai", model="m", turns=(Turn("user", "Hello"),), stream=stream, **more)


def planned(
    fault: Fault | None = None, *, stream: bool = True, answer: Answer | None = None, number: int = 1
) -> Plan:
    script = Script(rules=(Rule(answer=answer or Answer(text="x" * 64), fault=fault),))
    return plan(asked(stream=stream), prompt(stream=stream), script, number)


def body(found: Plan) -> bytes:
    return b"".join(step for step in found.steps if isinstance(step, bytes))


WHOLE = body(planned(stream=False))
STREAM = body(planned())
EVENTS = tuple(step for step in planned().steps if isinstance(step, bytes))
_FRAME = 4
"""Events of a stream beside those with text: the role, the end, the usage, ``[DONE]``."""


def test_an_answer_in_one_piece_announces_its_length() -> None:
    found = planned(stream=False)

    assert (found.status, found.ending, found.length) == (200, "end", len(WHOLE))
    assert json.loads(WHOLE)["choices"][0]["message"]["content"] == "x" * 64


def test_a_stream_has_a_step_for_every_event_and_no_length() -> None:
    found = planned()

    assert found.length is None
    assert len(found.steps) == _FRAME + 64 // 16
    assert STREAM.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_same_call_is_answered_with_the_same_bytes(protocol: ProtocolName, stream: bool) -> None:
    given, shown = asked(protocol, stream=stream), prompt(stream=stream, tools=(), reasoning=True)

    assert plan(given, shown, Script(), 7) == plan(given, shown, Script(), 7)


def test_another_call_has_other_ids() -> None:
    assert json.loads(body(planned(stream=False, number=2)))["id"] != json.loads(WHOLE)["id"]


def test_latency_comes_first_and_pace_between_the_events() -> None:
    found = planned(answer=Answer(text="x" * 64, latency=2.0, pace=0.5))

    assert found.wait == 2.0
    assert found.steps[1::2] == (0.5,) * (len(EVENTS) - 1)
    assert found.steps[::2] == EVENTS


def test_pace_is_for_streams_only() -> None:
    assert planned(stream=False, answer=Answer(text="x" * 64, pace=0.5)).steps == planned(stream=False).steps


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_chunks_is_that_of_the_script(size: int) -> None:
    found = planned(answer=Answer(text="x" * 64, chunk_size=size))

    assert len(found.steps) == _FRAME + math.ceil(64 / size)


@pytest.mark.parametrize("stream", [False, True])
def test_a_stall_before_the_first_byte_is_a_wait(stream: bool) -> None:
    assert planned(faults.Stall(), stream=stream).wait == math.inf
    assert planned(faults.Stall(seconds=3), stream=stream).wait == 3


@pytest.mark.parametrize(
    ("fault", "stream", "sent", "ending", "length"),
    [
        (faults.Reset(after=2), True, b"".join(EVENTS[:2]), "reset", None),
        (faults.Reset(after=1), False, WHOLE[: len(WHOLE) // 2], "reset", len(WHOLE)),
        (faults.Cut(after=0), True, b"", "end", None),
        (faults.Cut(after=2), True, b"".join(EVENTS[:2]), "end", None),
        (faults.Cut(after=99), True, STREAM.removesuffix(b"data: [DONE]\n\n"), "end", None),
        (faults.Cut(after=2, how="lost"), True, b"".join(EVENTS[:2]), "close", None),
        (faults.Cut(after=1), False, WHOLE[: len(WHOLE) // 2], "end", len(WHOLE) // 2),
        (faults.Cut(after=0), False, b"", "end", 0),
        (faults.Cut(after=1, how="lost"), False, WHOLE[: len(WHOLE) // 2], "close", len(WHOLE)),
        (faults.BadChunk(after=1), True, EVENTS[0], "bad_chunk", None),
        (faults.BadChunk(after=0), False, b"", "bad_chunk", None),
    ],
)
def test_what_is_sent_before_it_goes_wrong(
    fault: Fault, stream: bool, sent: bytes, ending: str, length: int | None
) -> None:
    found = planned(fault, stream=stream)

    assert (body(found), found.ending, found.length) == (sent, ending, length)


def test_a_torn_stream_ends_within_an_event() -> None:
    found = planned(faults.Cut(after=2, how="torn"))
    whole, rest = b"".join(EVENTS[:2]), EVENTS[2]

    assert body(found) == whole + rest[: len(rest) // 2]
    assert found.ending == "end"


def test_a_stall_within_a_stream_lies_between_two_events() -> None:
    assert planned(faults.Stall(after=3)).steps == (*EVENTS[:3], math.inf, *EVENTS[3:])


def test_a_reset_may_come_before_any_answer() -> None:
    found = planned(faults.Reset())

    assert (found.status, found.steps, found.ending) == (None, (), "reset")


@pytest.mark.parametrize(("seconds", "away"), [(None, math.inf), (2.5, 2.5)])
def test_a_host_may_be_gone(seconds: float | None, away: float) -> None:
    found = planned(faults.Refused(seconds=seconds))

    assert (found.status, found.steps, found.ending, found.away) == (None, (), "refused", away)


def test_a_malformed_event_stands_between_good_ones() -> None:
    steps = planned(faults.Malformed(after=2)).steps

    assert (steps[:2], steps[3:]) == (EVENTS[:2], EVENTS[2:])
    assert isinstance(steps[2], bytes)
    with pytest.raises(json.JSONDecodeError):
        json.loads(steps[2].removeprefix(b"data: "))


def test_a_malformed_answer_is_no_json() -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(body(planned(faults.Malformed(), stream=False)))


def test_an_error_event_ends_a_stream_that_began_well() -> None:
    found = planned(faults.ErrorEvent(after=2, status=503, message="No."))

    assert found.status == 200
    assert found.steps[:2] == EVENTS[:2]
    assert len(found.steps) == 3
    assert b'"No."' in body(found)


def test_an_error_event_for_an_answer_in_one_piece_is_a_status() -> None:
    assert planned(faults.ErrorEvent(status=503), stream=False).status == 503


@pytest.mark.parametrize("stream", [False, True])
def test_a_drip_loses_nothing(stream: bool) -> None:
    found = planned(faults.Drip(size=5, seconds=0.25), stream=stream)

    assert body(found) == (STREAM if stream else WHOLE)
    assert max(len(step) for step in found.steps if isinstance(step, bytes)) == 5
    assert set(found.steps[1::2]) == {0.25}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 418, 429, 500, 503, 529])
def test_every_status_has_a_body_in_the_providers_shape(protocol: ProtocolName, status: int) -> None:
    script = Script(rules=(Rule(fault=faults.Status(status=status, message="Because.")),))
    found = plan(asked(protocol), prompt(), script, 1)

    assert found.status == status
    said = json.loads(body(found))
    error = said.get("error", said)
    assert (error if isinstance(error, str) else error["message"]) == "Because."


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_status_without_words_of_its_own_has_those_of_its_kind(protocol: ProtocolName) -> None:
    def words(status: int) -> str:
        script = Script(rules=(Rule(fault=faults.Status(status=status)),))
        text = json.dumps(json.loads(body(plan(asked(protocol), prompt(), script, 1))))
        return text.replace(str(status), "")

    assert words(422) == words(400) != words(500)
    assert words(507) == words(500)


def test_a_wait_is_told_in_a_header_and_by_gemini_in_the_body() -> None:
    script = Script(rules=(Rule(fault=faults.Status(status=429, retry_after=2.5)),))
    headed, told = (plan(asked(name), prompt(), script, 1) for name in ("anthropic", "gemini"))

    assert headed.headers["retry-after"] == "2.5"
    assert "retry-after" not in told.headers
    assert json.loads(body(told))["error"]["details"][0]["retryDelay"] == "2.5s"


def test_a_status_may_have_a_body_that_is_not_the_providers() -> None:
    found = planned(faults.Status(status=502, body="<html>Bad gateway</html>"))

    assert body(found) == b"<html>Bad gateway</html>"
    assert found.headers["content-type"] == "text/plain"


def test_usage_is_the_scripts_where_it_says_so() -> None:
    tokens = Tokens(prompt_tokens=100, completion_tokens=9, cache_read_input_tokens=60, reasoning_tokens=4)
    found = count(prompt(), Answer(text="Hi", usage=tokens), "Hi")

    assert (found.prompt, found.completion, found.total) == (100, 9, 109)
    assert (found.cache_read, found.reasoning) == (60, 4)


def test_what_the_script_does_not_count_is_counted() -> None:
    answer = Answer(
        text="x" * 8, reasoning="y" * 12, tool_calls=(Call("f"),), usage=Tokens(cache_read_input_tokens=50)
    )
    found = count(prompt(), answer, "x" * 8)

    assert found.completion == 2 + 3 + 2
    assert found.reasoning == 3
    assert found.prompt > 50
