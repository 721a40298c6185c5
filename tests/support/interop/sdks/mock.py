"""A client of the library that three of the SDKs are built on, answered with recorded bytes."""

import json
from typing import Any

import httpx2

from interop.recordings import Recording


class MockClient(httpx2.AsyncClient):
    """Keeps what was to be sent."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._sent: list[Any] = []
        super().__init__(transport=httpx2.MockTransport(self._answer))

    @property
    def body(self) -> Any:
        """The body of the one request."""
        (body,) = self._sent
        return body

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self._sent.append(json.loads(request.content))
        recording = self._recording
        return httpx2.Response(recording.status, headers=recording.headers, content=recording.body)
