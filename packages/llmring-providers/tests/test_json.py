"""JSON in and out, with errors of ours."""

from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers._json import DECODE_ERRORS, encode_body, malformed
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("acme", "m"))
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


def test_a_body_is_compact_json() -> None:
    assert encode_body({"a": ["ü", 1, None]}, CALL) == '{"a":["ü",1,null]}'.encode()


@pytest.mark.parametrize(
    "value",
    ["\ud800", object(), {("a",): 1}, CYCLE, [{"b": (float("nan"),)}], float("-inf")],
    ids=["surrogate", "object", "key", "cycle", "nan", "infinity"],
)
def test_what_json_has_no_place_for_is_a_typed_error(value: Any) -> None:
    with pytest.raises(UnsupportedContentError, match="cannot be written as JSON") as caught:
        encode_body({"a": value}, CALL)
    assert caught.value.provider == "acme"


def test_a_malformed_answer_says_what_and_why() -> None:
    error = malformed("no answer", CALL, ValueError("odd"))
    assert (str(error), error.model, error.original) == ("[acme] no answer: odd", "m", error.original)
    assert str(malformed("no answer", CALL)) == "[acme] no answer"


@pytest.mark.parametrize("body", [b"{", b'"\xff"', b"[" * 100_000, b"1" * 5000, b'"\\ud800"'])
def test_all_that_decoding_raises_is_listed(body: bytes) -> None:
    import msgspec

    with pytest.raises(DECODE_ERRORS):
        msgspec.json.decode(body)
