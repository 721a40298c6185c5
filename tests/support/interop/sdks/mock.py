"""A respx router that answers an SDK with recorded bytes, for clients of httpx and of httpx2.

respx knows httpx; ollama is built on it, the three other SDKs on httpx2, whose requests are handed to the same router.
"""

import json
from typing import Any

import httpx
import httpx2
import respx

from interop.recordings import Recording

HOST = "sdk"


class RecordedHost:
    """A host that answers one POST to the vendor's own path with what was recorded, and refuses all else."""

    def __init__(self, recording: Recording, path: str) -> None:
        router = respx.MockRouter(assert_all_mocked=True)
        self._route = router.post(host=HOST, path=path).respond(
            recording.status, headers=recording.headers, content=recording.body
        )
        self.transport = httpx.MockTransport(router.async_handler)
        self._router = router

    def client(self) -> httpx2.AsyncClient:
        """Return a client of httpx2 whose requests the router answers."""
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    @property
    def body(self) -> Any:
        """The body of the one request."""
        (call,) = self._route.calls
        return json.loads(call.request.content)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        asked = httpx.Request(
            request.method, str(request.url), headers=request.headers.raw, content=request.content
        )
        answer = await self._router.async_handler(asked)
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, content=answer.content)
