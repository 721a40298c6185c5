"""The simulator dressed as a host of Anthropic's or Gemini's protocol: key header, refusals, paths of a cloud."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from llmring_providers.sim import Script, SimTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types.hosts import Host, Quirks

_VERSION = "vertex-2023-10-16"
_PLACE = r"https://[\w.-]+/v1\w*/projects/[\w-]+/locations/[\w-]+"
_GEMINI = re.compile(
    _PLACE + r"/publishers/google/models/(?P<rest>[^?]+:(?:stream)?[gG]enerateContent(?:\?alt=sse)?)"
)
_CLAUDE = re.compile(
    _PLACE + r"/publishers/anthropic/models/(?P<model>[^/?]+):(?P<action>rawPredict|streamRawPredict)"
)


class DressedHost:
    """The simulator behind what a row says of a host. Whatever the host would not take is answered with 400, or 401.

    Args:
        host: the row whose cloud and protocol it has.
        quirks: the deviations that it really has.
        script: what the simulator answers.
    """

    def __init__(self, host: Host, quirks: Quirks, script: Script) -> None:
        self._host, self._quirks = host, quirks
        self._simulator = SimTransport(script)

    async def send(self, request: HttpRequest) -> HttpResponse:
        return self._refusal(request) or await self._simulator.send(self._plain(request))

    async def open(self, request: HttpRequest) -> ByteStream:
        refusal = self._refusal(request)
        return await self._simulator.open(self._plain(request)) if refusal is None else _Refused(refusal)

    async def aclose(self) -> None:
        await self._simulator.aclose()

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        header = "authorization" if self._host.cloud == "vertex" else self._quirks.key_header
        if self._host.protocol == "anthropic" or self._host.cloud == "vertex":
            start = "Bearer " if header == "authorization" else ""
            others = {"authorization", "x-api-key", "x-goog-api-key"} - {header}
            if (
                not request.headers.get(header, "").startswith(f"{start}key")
                or others & request.headers.keys()
            ):
                return _error(401, "there is no key where this host reads it")
        wrong = [
            *_wrong_parameters(msgspec.json.decode(request.body), self._quirks),
            *self._wrong_place(request),
        ]
        return _error(400, "; ".join(wrong)) if wrong else None

    def _wrong_place(self, request: HttpRequest) -> Iterator[str]:
        if self._host.cloud != "vertex":
            return
        body = msgspec.json.decode(request.body)
        if self._host.protocol == "gemini":
            if _GEMINI.fullmatch(request.url) is None:
                yield f"there is no {request.url}"
            return
        found = _CLAUDE.fullmatch(request.url)
        if found is None:
            yield f"there is no {request.url}"
        elif (found["action"] == "streamRawPredict") is not bool(body.get("stream")):
            yield "stream is not what the path says"
        if "model" in body or body.get("anthropic_version") != _VERSION:
            yield "the model is in the path, the version in the body"

    def _plain(self, request: HttpRequest) -> HttpRequest:
        """Return the request as the vendor of the protocol takes it."""
        if (claude := _CLAUDE.fullmatch(request.url)) is None:
            return request
        body = {**msgspec.json.decode(request.body), "model": claude["model"]}
        del body["anthropic_version"]
        return request._replace(url="https://host.test/v1/messages", body=msgspec.json.encode(body))


class _Refused:
    def __init__(self, reply: HttpResponse) -> None:
        self.status, self.headers = reply.status, reply.headers
        self._pieces = iter([reply.body])

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def finish(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        self._pieces = iter(())


def _wrong_parameters(body: Mapping[str, Any], quirks: Quirks) -> Iterator[str]:
    yield from (f"{name} is not permitted" for name in (*quirks.refused, *quirks.renamed) if name in body)
    if quirks.most_stops is not None and len(body.get("stop_sequences") or ()) > quirks.most_stops:
        yield "there are too many stop sequences"


def _error(status: int, message: str) -> HttpResponse:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    body = {"type": "error", "error": {"type": kind, "message": message, "code": status, "status": "UNKNOWN"}}
    return HttpResponse(status, {"content-type": "application/json"}, msgspec.json.encode(body))
