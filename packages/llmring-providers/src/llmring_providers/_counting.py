"""Asking a provider how many tokens a request has."""

from collections.abc import Collection
from typing import Protocol

import msgspec
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._adapter import WireRequest
from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall


class Counting(Protocol):
    """The part of a provider's protocol that counts the input tokens of a request. Pure."""

    def encode(self, call: ChatCall) -> WireRequest:
        """Translate the call that is to be counted.

        Raises:
            UnsupportedContentError: the provider has no place for a part of it.
        """

    def decode(self, body: bytes) -> int:
        """Return the input tokens.

        Raises:
            MalformedResponseError: the answer is not a count.
        """


def with_fields(body: bytes, names: Collection[str]) -> dict[str, msgspec.Raw]:
    """Return a body that was encoded for an answer, with those fields only that counting takes."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: value for name, value in fields.items() if name in names}


class InputTokens(msgspec.Struct):
    """The answer of both Anthropic and OpenAI."""

    input_tokens: int


def decode_input_tokens(body: bytes, provider: str) -> int:
    """Return the count of such an answer."""
    try:
        return msgspec.json.decode(body, type=InputTokens, strict=False).input_tokens
    except DECODE_ERRORS as error:
        raise no_count(provider, error) from error


def no_count(provider: str, error: Exception) -> MalformedResponseError:
    """Return the error of an answer that cannot be read."""
    return MalformedResponseError(
        f"the token count is not what the protocol says: {error}", provider=provider, original=error
    )
