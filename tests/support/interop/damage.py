"""Hypothesis strategies for what may become of an answer on its way."""

import json
from typing import Any

from hypothesis import strategies as st

from interop.recordings import Recording, recordings

_JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    1e300,
    "",
    "x",
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"type": "x"},
    [{"text": 1}],
]
junk = st.sampled_from(_JUNK)
_WORDS = st.sampled_from([b"null", b"{}", b"[]", b'""', b"\n\n", b"data: ", b"[DONE]", b"\xff", b"\xed\xa0\x80", b"1e999", b"{" * 9999])  # fmt: skip


def answers() -> st.SearchStrategy[Recording]:
    """A recorded answer, streamed or not."""
    return st.sampled_from([recording for recording in recordings() if not recording.failed])


@st.composite
def cut(draw: st.DrawFn, recording: Recording) -> bytes:
    """The beginning of a body."""
    return recording.body[: draw(st.integers(0, len(recording.body)))]


@st.composite
def flipped(draw: st.DrawFn, recording: Recording) -> bytes:
    """A body with bytes changed, put in or taken out."""
    body = bytearray(recording.body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        gone = draw(st.integers(0, 3))
        body[at : at + gone] = draw(st.binary(max_size=3) | _WORDS)
    return bytes(body)


@st.composite
def rewritten(draw: st.DrawFn, recording: Recording) -> bytes:
    """A body of sound JSON in which fields are missing or of another type."""
    pieces = recording.body.split(b"\n")
    places = [place for place, piece in enumerate(pieces) if _json_of(piece) is not None]
    if not places:  # JSON over several lines
        return json.dumps(draw(_changed(json.loads(recording.body)))).encode()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        head, document = _json_of(pieces[place]) or (b"", None)
        pieces[place] = head + json.dumps(draw(_changed(document))).encode()
    return b"\n".join(pieces)


def _json_of(line: bytes) -> tuple[bytes, Any] | None:
    """The JSON of a line and what stands before it."""
    head = b"data: " if line.startswith(b"data: ") else b""
    try:
        return head, json.loads(line[len(head) :])
    except ValueError:
        return None


@st.composite
def _changed(draw: st.DrawFn, value: Any) -> Any:
    """The value with one change somewhere inside."""
    if not value or not isinstance(value, (dict, list)) or draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.none(), st.just(type(value)()), junk))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    match draw(st.integers(0, 9)):
        case 0 | 1:
            del copy[key]
        case 2 if isinstance(copy, list):
            copy.insert(key, copy[key])
        case 3 if isinstance(copy, dict):
            copy[draw(st.sampled_from(["type", "text", "error", "index", "id", "args"]))] = draw(junk)
        case _:
            copy[key] = draw(_changed(copy[key]))
    return copy


def damaged(recording: Recording) -> st.SearchStrategy[bytes]:
    """The body of this answer, damaged in one of these ways."""
    return st.one_of(cut(recording), flipped(recording), *[rewritten(recording)] * 4)
