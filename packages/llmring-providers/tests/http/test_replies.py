"""What a provider answered with, whatever its protocol."""

from collections.abc import Mapping

import pytest
from llmring_providers import ChatCall, ProviderSettings, find_factory
from llmring_providers._http.replies import request_id, whole
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import LLMRingError


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


class Redirecting:
    """A transport that is answered with a redirect."""

    def __init__(self, status: int, location: str) -> None:
        self.reply = HttpResponse(status, {"location": location}, b"<title>Moved</title>")

    async def send(self, _: HttpRequest) -> HttpResponse:
        return self.reply

    async def open(self, _: HttpRequest) -> ByteStream:
        return Whole(self.reply)

    async def aclose(self) -> None:
        pass


class Whole:
    def __init__(self, reply: HttpResponse) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self.pieces = [reply.body]

    async def read(self) -> bytes:
        return self.pieces.pop() if self.pieces else b""

    async def finish(self) -> None:
        pass

    def close(self) -> None:
        pass


TARGETS = {
    "https://new.example/v1/chat": "https://new.example/v1/chat",
    "/v2/chat?x=1": "https://old.example/v2/chat?…",
    "https://me:pa55word@new.example/a?key=sk-hunter2#f": "https://new.example/a?…",
    "https://new.example/sk-hunter2/a": "https://new.example/",
    "http://[broken": "an address that is none",
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["openai", "anthropic", "google", "ollama"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("location", "shown"), TARGETS.items(), ids=list(TARGETS))
async def test_a_redirect_is_not_followed_and_its_target_is_named_without_keys(
    location: str, shown: str, status: int, name: str, stream: bool
) -> None:
    transport = Redirecting(status, location)
    provider = find_factory(name)(
        ProviderSettings(
            name=name, transport=transport, api_key="sk-hunter2", base_url="https://old.example/v1"
        )
    )
    request = LLMRequest([Message(role="user", content="Hi")], max_tokens=5)
    with pytest.raises(LLMRingError) as caught:
        await (provider.stream if stream else provider.chat)(ChatCall(request, ModelRef(name, "m")))
    text = str(caught.value)
    assert f"https://old.example/v1 redirects to {shown}" in text
    assert f"(HTTP status {status}), which is not followed" in text
    assert "hunter2" not in text
    assert "pa55word" not in text
