"""One request of a protocol, answered by the ring: read by the codec, sent on, and written back by the codec."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_lockfile import Resolution
from llmring_providers.hosting import CODECS, Codec, HostedRequest, Route, Stamp, ollama
from llmring_providers.hosting.embeddings import HostedTexts, read_embedding, write_embedding
from llmring_types import EmbeddingRequest, LLMRequest, Message
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ModelCapabilityError,
    ProviderPermissionError,
    ProviderResponseError,
    ValidationError,
)

from llmring._call import Call
from llmring._policy import NO_STORE
from llmring._ring import LLMRing
from llmring._stream import ChatStream
from llmring.embeddings import Embedding
from llmring.serve._exchange import Exchange
from llmring.serve._live import LiveCalls
from llmring.serve._notes import json_answer, notes
from llmring.serve._refusals import as_gateway, no_model, refuse
from llmring.serve._tab import Tab
from llmring.serve._tracing import continued_trace
from llmring.tokens import estimate_tokens

_OURS = frozenset(
    {
        "api",
        "contents",
        "input",
        "messages",
        "model",
        "models",
        "stream",
        "system",
        "systemInstruction",
        "system_instruction",
    }
)
"""Names by which a body could ask for another model or conversation than the one that was read, priced and admitted."""
_STREAMED = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""So that no proxy gathers a stream: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering"""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The client behind a request, and its rights.

    Attributes:
        profile: of the lockfile; ``None`` is the lockfile's own default.
        direct: ``provider:model`` may be named.
        tab: what the request is counted against.
    """

    profile: str | None = None
    direct: bool = False
    tab: Tab


class Answering:
    """Answers one request.

    Args:
        ring: sends it on.
        exchange: with the client.
        route: the endpoint.
        caller: who asks.
        live: takes note of the call.
    """

    def __init__(
        self, ring: LLMRing, exchange: Exchange, route: Route, caller: Caller, live: LiveCalls
    ) -> None:
        self._ring = ring
        self._live = live
        self._exchange = exchange
        self._route = route
        self._caller = caller
        self._codec: Codec = CODECS[route.protocol]
        self._id = secrets.token_hex(16)
        key = caller.tab.key
        self._payer = {} if key is None else {"key": key.id}
        self._stamp = Stamp(seed=self._id, created=int(time.time()))
        self._identity: Mapping[str, str] = {self._codec.request_id_header: f"req_{self._id}"}

    async def _models(self) -> None:
        """List the aliases, or show the one that the path names."""
        names = sorted(filter(self._is_allowed, self._ring.list_aliases(self._caller.profile)))
        wanted = self._route.model
        if wanted is None:
            await self._answer(self._codec.models(names, self._stamp))
        elif wanted not in names:
            raise no_model(wanted)
        else:
            found = msgspec.json.decode(self._codec.models([wanted], self._stamp), type=dict[str, Any])
            (entry,) = next(value for value in found.values() if isinstance(value, list))
            await self._answer(msgspec.json.encode(entry))

    async def reply(self, body: bytes) -> None:
        """Answer what the body asks for; whatever is wrong with it is answered in the protocol's own form."""
        try:
            with continued_trace(self._exchange.headers):
                await self._reply(body)
        except LLMRingError as error:
            await self.refuse(as_gateway(error))
        finally:
            self._live.forget(self._id)

    async def _reply(self, body: bytes) -> None:
        if self._route.operation == "models":
            await self._models()
            return
        if self._route.operation == "embeddings":
            await self._embed(body)
            return
        if self._route.operation == "version":
            await self._answer(ollama.version())
            return
        if self._route.operation == "show":
            await self._show(ollama.named_model(body))
            return
        asked = self._read(body)
        if self._route.operation == "count_tokens":
            await self._count(asked)
            return
        self._begin(asked.request.model, streamed=asked.stream)
        await (self._stream(asked) if asked.stream else self._whole(asked))

    def _begin(self, model: str | None, *, streamed: bool = False) -> None:
        """Record a call that begins now."""
        self._live.begin(self._id, self._route.protocol, model, key=self._payer.get("key"), streamed=streamed)

    def _is_allowed(self, name: str) -> bool:
        key = self._caller.tab.key
        return key is None or key.may_use(name)

    async def refuse(self, error: LLMRingError) -> None:
        """Answer with an error."""
        await self._caller.tab.written()
        await refuse(self._exchange, self._route, error, self._identity)

    def _read(self, body: bytes) -> HostedRequest:
        asked = self._codec.read(self._route, self._exchange.headers, body)
        request = asked.request
        if request.extra_params.get("background") and not asked.stream:
            raise ValidationError(
                "this gateway keeps no responses to ask for later: leave out background, or stream",
                field="background",
            )
        found = self._check_model(request.model)
        wish = self._exchange.headers.get("cache-control", "").lower()
        if "no-store" in wish and self._ring._chat.kept_answers is not None:  # noqa: SLF001 - as below
            request.cache = {**(request.cache or {}), NO_STORE: True}
        request.metadata = {"request_id": self._id, **self._payer}
        if taken := _OURS & request.extra_params.keys():
            for name in taken:
                del request.extra_params[name]
            asked = msgspec.structs.replace(asked, unread=(*asked.unread, *sorted(taken)))
        if self._route.protocol == "openai_responses" and all(
            ref.provider == "openai" for ref in found.models
        ):
            request.extra_params["api"] = (
                "responses"  # which keeps more of this protocol than chat completions
            )
        return asked

    def _check_model(self, name: str | None) -> Resolution:
        """Return what a name stands for, and refuse those that are no aliases, unless models may be named directly.

        Raises:
            ModelNotFoundError: there is no such alias, or it is a model's own name.
            ProviderPermissionError: the key is not for it.
        """
        ring = self._ring
        try:
            found = ring._aliases.resolve(name or "default", self._caller.profile)  # noqa: SLF001 - the ring's own door
        except (AliasNotFoundError, ValidationError) as error:
            raise no_model(name) from error
        if not found.is_alias and not self._caller.direct:
            raise no_model(name)
        if not self._is_allowed(found.name):
            raise ProviderPermissionError(f"this key is not for the model {found.name!r}")
        return found

    async def _show(self, name: str) -> None:
        """Show the first model that an alias stands for."""
        self._check_model(name)
        route = self._ring._chat.router.route(name, self._caller.profile)  # noqa: SLF001 - the ring's own door
        await self._answer(ollama.shown(route.candidates[0].facts, self._stamp))

    async def _whole(self, asked: HostedRequest) -> None:
        tab = self._caller.tab
        await tab.open(asked.request)
        response = await self._call(asked).answer()
        tab.close(response.usage)
        await tab.written()
        said = notes(
            attempts=response.attempts,
            model=response.model,
            usage=response.usage,
            warnings=response.warnings,
            unread=asked.unread,
        )
        await self._answer(self._codec.write(response, asked, self._stamp), said)

    async def _stream(self, asked: HostedRequest) -> None:
        """Pass a stream on, chunks that came together in one piece. A failure after its begin is its last event."""
        codec, exchange, tab = self._codec, self._exchange, self._caller.tab
        await tab.open(asked.request)
        async with ChatStream(self._call(asked)) as stream:
            chunk = await anext(stream)
            said = notes(attempts=stream.attempts, model=chunk.model, unread=asked.unread)
            kind = {"content-type": codec.stream_type(asked)}
            await exchange.begin({**kind, **_STREAMED, **self._identity, **said})
            writer = codec.stream_writer(asked, self._stamp)
            events = writer.write(chunk)
            try:
                while not writer.over:
                    while (ready := stream.next_ready()) is not None:
                        events += writer.write(ready)
                    await exchange.write(events)
                    events = writer.write(await anext(stream))
            except LLMRingError as error:
                events = writer.fail(as_gateway(error))
            if stream.response is not None:
                tab.close(stream.response.usage)
            await tab.written()
            await exchange.write([*events, *writer.close()])
            await exchange.end()

    def _call(self, asked: HostedRequest) -> Call:
        chat, tab = self._ring._chat, self._caller.tab  # noqa: SLF001 - the ring's own door
        return chat.call_type(
            chat, asked.request, self._caller.profile, streamed=asked.stream, account=tab.account
        )

    async def _count(self, asked: HostedRequest) -> None:
        """Count by the provider; where it does not, answer with an estimate that is named one."""
        await self._caller.tab.open(None)
        warnings = []
        try:
            tokens = await self._ring.count_tokens(asked.request, self._caller.profile)
        except (ProviderResponseError, ModelCapabilityError) as error:
            if error.status_code is not None:
                raise
            tokens = estimate_tokens(asked.request)
            warnings.append(f"an estimate: {error.message}")
        await self._answer(self._codec.token_count(tokens), notes(warnings=warnings, unread=asked.unread))

    async def _embed(self, body: bytes) -> None:
        texts = read_embedding(self._exchange.method, self._exchange.target, body)
        if not isinstance(texts, HostedTexts):
            raise ValidationError("this gateway embeds; it does not rerank")
        self._check_model(texts.model)
        said = {"request_id": self._id, **self._payer}
        request = EmbeddingRequest(texts.texts, model=texts.model, dimensions=texts.dimensions, metadata=said)
        ring, tab = self._ring, self._caller.tab
        self._begin(texts.model)
        await tab.open(LLMRequest([Message(role="user", content=text) for text in texts.texts]))
        chat = ring._chat  # noqa: SLF001 - the ring's own door
        route = chat.router.route(request.model, self._caller.profile)
        embedding = Embedding(chat, route, ring.lockfile.locked, request, account=tab.account)
        response = await embedding.answer()
        tab.close(response.usage)
        await tab.written()
        tokens = (response.usage or {}).get("prompt_tokens", 0)
        answer = write_embedding(texts, response.embeddings, tokens)
        await self._answer(
            answer,
            notes(
                attempts=response.attempts,
                model=response.model,
                usage=response.usage,
                warnings=response.warnings,
            ),
        )

    async def _answer(self, body: bytes, said: Mapping[str, str] | None = None) -> None:
        await self._exchange.answer(200, json_answer(self._identity, said or {}), body)
