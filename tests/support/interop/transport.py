"""A transport that answers with recorded bytes and keeps what it was to send."""

import json
from collections.abc import Mapping
from typing import Any

from llmring_providers.transport import HttpRequest, HttpResponse


class Reply:
    """A recorded body in one piece."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._pieces = [body]

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    async def finish(self) -> None:
        """There is no connection to give back."""

    def close(self) -> None:
        """There is no connection to close."""


class RecordingTransport:
    """Gives every request the same answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._answer = HttpResponse(status, headers, body)
        self.sent: list[HttpRequest] = []

    def bodies(self) -> list[Any]:
        """Return the bodies that were sent, parsed by the standard library."""
        return [json.loads(request.body) for request in self.sent]

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return self._answer

    async def open(self, request: HttpRequest) -> Reply:
        self.sent.append(request)
        return Reply(*self._answer)

    async def aclose(self) -> None:
        """There is nothing to close."""
