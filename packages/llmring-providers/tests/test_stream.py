"""How streams end, fail and are cut, whatever they carry."""

import json

import pytest
from llmring_providers import ChatCall, StreamDecoder
from llmring_providers._stream import BaseStreamDecoder, Event
from llmring_types import LLMRequest, Message, ModelRef, StreamChunk
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderServerError,
    StreamInterruptedError,
)

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("acme", "m"))


class Decoder(BaseStreamDecoder):
    """A protocol of texts: ``"end"`` ends, ``"busy"`` fails, ``"maybe"`` may be the last one."""

    maybe = False

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        try:
            text = json.loads(event.data)
        except ValueError as error:
            raise MalformedResponseError("no JSON", provider="acme") from error
        if text == "deep":
            raise RecursionError("too deep")
        if text == "busy":
            raise ProviderServerError("busy", provider="acme")
        self.done = text == "end"
        self.maybe = text == "maybe"
        chunks.append(StreamChunk(delta=text))

    def _gathered_chunk(self) -> StreamChunk:
        return StreamChunk(delta="partial")

    def _last_without_terminal(self) -> StreamChunk | None:
        return self._gathered_chunk() if self.maybe else None


def events(*texts: str) -> bytes:
    return "".join(f"data: {json.dumps(text)}\n\n" for text in texts).encode()


def said(chunks: list[StreamChunk]) -> list[str]:
    return [chunk.delta for chunk in chunks]


def test_events_become_chunks_until_the_terminal_one() -> None:
    decoder: StreamDecoder = Decoder(CALL)
    assert (said(decoder.feed(events("a", "b"))), decoder.done) == (["a", "b"], False)
    assert (said(decoder.feed(events("end", "after"))), decoder.done) == (["end"], True)
    assert decoder.feed(events("more")) == []
    assert decoder.close() == []


def test_a_body_that_ends_too_early_is_a_cut() -> None:
    decoder = Decoder(CALL)
    decoder.feed(events("a"))
    with pytest.raises(StreamInterruptedError) as caught:
        decoder.close()
    assert (caught.value.provider, caught.value.model) == ("acme", "m")


def test_an_empty_body_is_a_cut() -> None:
    with pytest.raises(StreamInterruptedError):
        Decoder(CALL).close()


def test_half_an_event_at_the_end_is_a_cut_and_no_malformed_data() -> None:
    decoder = Decoder(CALL)
    decoder.feed(events("a") + b'data: "hal')
    with pytest.raises(StreamInterruptedError):
        decoder.close()


def test_a_whole_event_without_its_blank_line_counts() -> None:
    decoder = Decoder(CALL)
    decoder.feed(b'data: "end"')
    assert said(decoder.close()) == ["end"]
    assert decoder.done


def test_an_error_without_its_blank_line_counts_too() -> None:
    decoder = Decoder(CALL)
    decoder.feed(b'data: "busy"')
    with pytest.raises(ProviderServerError):
        decoder.close()


def test_a_protocol_may_know_that_all_is_there() -> None:
    decoder = Decoder(CALL)
    decoder.feed(events("maybe"))
    assert said(decoder.close()) == ["partial"]
    assert decoder.done


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (events("busy"), ProviderServerError),
        (b"data: nonsense\n\n", MalformedResponseError),
        (events("deep"), MalformedResponseError),
    ],
)
def test_a_failure_ends_the_stream_after_what_came_before(data: bytes, kind: type[Exception]) -> None:
    decoder = Decoder(CALL)
    assert said(decoder.feed(events("a") + data + events("b", "end"))) == ["a"]
    assert isinstance(decoder.failure, kind)
    assert decoder.feed(events("c")) == []
    with pytest.raises(kind):
        decoder.close()
