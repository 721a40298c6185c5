"""What a provider answered with, whatever its protocol."""

from collections.abc import Mapping

import pytest
from llmring_providers._replies import request_id, whole


@pytest.mark.parametrize(
    "name", ["x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid"]
)
def test_the_id_of_a_request_is_in_one_of_these_headers(name: str) -> None:
    assert request_id({"date": "today", name: "r"}) == "r"


def test_an_empty_or_absent_id_is_none() -> None:
    assert request_id({"x-request-id": "", "request-id": "r"}) == "r"
    assert request_id({"x-request-id": ""}) is None


async def test_no_more_of_an_error_is_read_than_could_say_something() -> None:
    class Endless:
        status = 500
        headers: Mapping[str, str] = {}
        left = ""

        async def read(self) -> bytes:
            return b"x" * 2**18

        async def finish(self) -> None:
            self.left = "finished"

        def close(self) -> None:
            self.left = self.left or "closed"

    reply = Endless()
    assert len((await whole(reply)).body) == 2**20
    assert reply.left == "closed"
