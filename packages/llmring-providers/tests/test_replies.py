"""What a provider answered with, whatever its protocol."""

import pytest
from llmring_providers._replies import request_id


@pytest.mark.parametrize(
    "name", ["x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid"]
)
def test_the_id_of_a_request_is_in_one_of_these_headers(name: str) -> None:
    assert request_id({"date": "today", name: "r"}) == "r"


def test_an_empty_or_absent_id_is_none() -> None:
    assert request_id({"x-request-id": "", "request-id": "r"}) == "r"
    assert request_id({"x-request-id": ""}) is None
