"""Results of the vendors' SDKs in the neutral form.

An SDK's object is put back into the JSON that it was made of, and read by the adapter of its provider: so
usage, tool calls and finish reasons mean the same as everywhere else, streamed or not.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from llmring_providers import Adapter, ChatCall, StreamDecoder, WireRequest, find_adapter
from llmring_types import ChunkCollector, LLMRequest, LLMResponse, Message, ModelRef
from llmring_types.exceptions import LLMRingError, ProviderNotFoundError, ValidationError
from llmring_types.hosts import HOSTS, host_of

_KEYS = {"choices": "openai", "output": "openai", "candidates": "gemini", "stop_reason": "anthropic"}
"""Keys of plain JSON that only one protocol has."""


class Dialect(NamedTuple):
    """The protocol that an SDK speaks, and the call that it answers."""

    adapter: Adapter
    call: ChatCall
    wire: WireRequest


def detect_provider(response: object, function: Callable[..., object] | None = None) -> str | None:
    """Return the provider that an SDK's object comes from, or the one whose SDK the function's module is of.

    Args:
        response: an answer, a chunk or an event; or its JSON as a dict.
        function: looked at where the response gives no hint.
    """
    if isinstance(response, Mapping):
        protocol = next((protocol for key, protocol in _KEYS.items() if key in response), None)
        if protocol is None and "message" in response and "done" in response:
            protocol = "ollama"
        found = next((host.name for host in HOSTS.values() if protocol and host.protocol == protocol), None)
    else:
        found = _of_module(type(response).__module__)
    return found or (_of_module(function.__module__) if function is not None else None)


def normalize_response(response: object, provider: str = "auto", model: str | None = None) -> LLMResponse:
    """Return an SDK's whole answer in the neutral form.

    Args:
        response: what the SDK returned, or its JSON as a dict.
        provider: ``openai``, ``anthropic``, ``google``, ``ollama``, or ``auto`` to find out.
        model: the model asked; without it the one that the answer names.

    Raises:
        ValidationError: no known SDK gives such an answer (also a ``ValueError``).
        MalformedResponseError: it is not one of this provider's.
    """
    found = detect_provider(response) if provider == "auto" else provider
    if found is None:
        raise ValidationError(
            f"a {type(response).__module__}.{type(response).__name__} is not from a known SDK"
        )
    data = encode(response)
    dialect = dialect_of(found, data, model)
    answer = dialect.adapter.decode(data, dialect.call, dialect.wire)
    if model is None and answer.provider_model:
        answer.model = f"{found}:{answer.provider_model}"
    return answer


class ChunkReader:
    """Joins what an SDK streams into one answer.

    Args:
        provider: whose stream it is.
        model: the model asked; without it the one that the stream names.
    """

    def __init__(self, provider: str, model: str | None) -> None:
        self._provider = provider
        self._protocol = host_of(provider).protocol
        self._model = model
        self._decoder: StreamDecoder | None = None
        self._collector = ChunkCollector()

    def add(self, chunk: object) -> None:
        """Take the next chunk or event."""
        data = encode(chunk)
        if self._decoder is None:
            dialect = dialect_of(self._provider, data, self._model, stream=True)
            self._decoder = dialect.adapter.stream_decoder(dialect.call, dialect.wire)
        self._feed(data + b"\n" if self._protocol == "ollama" else b"data: " + data + b"\n\n")

    def response(self) -> LLMResponse | None:
        """Return the answer so far; ``None`` before the first chunk."""
        decoder = self._decoder
        if decoder is None:
            return None
        if self._protocol == "openai":
            self._feed(b"data: [DONE]\n\n")  # which the SDK keeps to itself
        if not decoder.done:
            try:
                for chunk in decoder.close():
                    self._collector.add(chunk)
            except LLMRingError:  # the stream was left, or has no end that can be seen from here
                pass
        self._collector.add(decoder.partial())
        answer = self._collector.response()
        if self._model is None and answer.provider_model:
            answer.model = f"{self._provider}:{answer.provider_model}"
        return answer

    def _feed(self, data: bytes) -> None:
        if self._decoder is not None:
            for chunk in self._decoder.feed(data):
                self._collector.add(chunk)


def encode(response: object) -> bytes:
    """Return the JSON behind an SDK's object: all of them are pydantic models that keep the wire's names as aliases."""
    dump = getattr(response, "model_dump_json", None)
    if dump is not None:
        text: str = dump(by_alias=True, exclude_none=True)
        return text.encode()
    return msgspec.json.encode(response)


def dialect_of(provider: str, data: bytes, model: str | None, *, stream: bool = False) -> Dialect:
    """Choose the protocol for JSON of a provider.

    Raises:
        ValidationError: there is no such provider.
    """
    adapter = _adapter(provider)
    is_openai = host_of(provider).protocol == "openai"
    extra = {"api": "responses" if _is_responses(data) else "chat"} if is_openai else {}
    request = LLMRequest(messages=[Message(role="user", content="?")], extra_params=extra)
    call = ChatCall(request, ModelRef(provider, model or "unknown"))
    return Dialect(adapter, call, adapter.encode(call, stream=stream))


class _Kind(msgspec.Struct):
    object: Any = None
    type: Any = None


def _is_responses(data: bytes) -> bool:
    """The responses API marks its answers and events; chat completions have neither mark."""
    kind = msgspec.json.decode(data, type=_Kind)
    return kind.object == "response" or str(kind.type).startswith("response.")


def _adapter(provider: str) -> Adapter:
    host = HOSTS.get(provider)
    try:
        return find_adapter(host.protocol or "" if host is not None else "")
    except ProviderNotFoundError as error:
        known = ", ".join(host.name for host in HOSTS.values() if host.protocol != "sim")
        raise ValidationError(f"provider must be {known} or auto; got {provider!r}") from error


def _of_module(name: str) -> str | None:
    hosts = ((host.name, module) for host in HOSTS.values() for module in host.sdk_modules)
    return next((host for host, module in hosts if name == module or name.startswith(f"{module}.")), None)
