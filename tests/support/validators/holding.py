"""Every request that any adapter writes in a test is held against what its vendor is known to refuse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._protocol import WireRequest
from llmring_providers.embeddings import EmbeddingCall, EmbeddingCodec

from validators import refusals
from validators.embeddings import embedding_refusals

_LOOPBACK = ("127.", "localhost", "[::1]")
VENDORS = (
    "api.openai.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "ollama.com",
    "amazonaws.com",
)
"""Hosts of the vendors themselves, which providers ask whose base URL nobody sets."""


RECORDED_REFUSAL = "recorded refusal"
"""Marks, in the metadata, a recorded request that its vendor did refuse: it is sent as it was."""


def is_vendors(call: ChatCall) -> bool:
    """Return whether the rules of a vendor hold for a call: not for other hosts, and their names of models."""
    own = call.host is None or call.host.startswith(_LOOPBACK) or call.host.endswith(VENDORS)
    return own and ("/" not in call.ref.model or call.ref.model.startswith("arn:aws:"))


def held(call: ChatCall, wire: WireRequest) -> list[str]:
    """Return the reasons for which the vendor would refuse a request, but for what the user wrote into it."""
    if (call.request.metadata or {}).get(RECORDED_REFUSAL):
        return []
    extra = dict(call.request.extra_params)
    given = {name for name in extra if name not in ("api", "stream")}
    if "api" in extra:  # who chooses it answers for what it refuses
        given.add("tools")
    if not call.request.messages:
        given |= {"messages", "contents"}
    given |= {
        "reasoning",
        "text",
        "generationConfig",
        "output_config",
        "thinking",
        "input",
        "contents",
    } & _parts(extra)
    if given & {"messages", "contents", "input"} & extra.keys():
        return []  # a conversation that the user wrote by hand
    try:
        return refusals(wire.path, json.loads(wire.body), given=given)
    except (AttributeError, TypeError):  # a number where an object should be: only a user writes that
        if extra or any(message.metadata for message in call.request.messages):
            return []
        raise


def _parts(extra: dict[str, Any]) -> set[str]:
    """The fields into which extra parameters are merged."""
    found = set(extra)
    if found & {"reasoning_effort", "verbosity"}:
        found |= {"reasoning", "text"}
    return found


@pytest.fixture(scope="session", autouse=True)
def every_request_is_one_that_its_vendor_takes() -> Iterator[None]:
    """Hold what the adapters write; tests of odd requests say so by giving them as extra parameters."""
    from llmring_providers.anthropic import AnthropicAdapter
    from llmring_providers.bedrock import BedrockAdapter
    from llmring_providers.embeddings import codecs
    from llmring_providers.google import GoogleAdapter
    from llmring_providers.ollama import OllamaAdapter
    from llmring_providers.openai import OpenAIAdapter

    with pytest.MonkeyPatch.context() as patch:
        adapters: tuple[type[Adapter], ...] = (
            AnthropicAdapter,
            BedrockAdapter,
            GoogleAdapter,
            OllamaAdapter,
            OpenAIAdapter,
        )
        for adapter in adapters:
            _hold(adapter, patch)
        for vendor, codec in codecs._CODECS.items():
            _hold_embeddings(vendor.partition("-")[0], codec, patch)
        yield


def _hold_embeddings(vendor: str, codec: EmbeddingCodec, patch: pytest.MonkeyPatch) -> None:
    encode = codec.encode

    def checked(call: EmbeddingCall) -> bytes:
        body = encode(call)
        found = embedding_refusals(vendor, body, set(call.extra_params))
        assert not found, f"{vendor} would refuse {call.ref}: {found}"
        return body

    patch.setattr(codec, "encode", checked)


def _hold(adapter: type[Adapter], patch: pytest.MonkeyPatch) -> None:
    encode = adapter.encode

    def encode_and_hold(self: Any, call: ChatCall, *, stream: bool) -> WireRequest:
        wire = encode(self, call, stream=stream)
        if is_vendors(call):
            found = held(call, wire)
            assert not found, f"{call.ref} refuses: {found[:3]}"
        return wire

    patch.setattr(adapter, "encode", encode_and_hold)
