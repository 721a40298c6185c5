"""Requests about models: those that a provider offers to this key, and the tokens that a call would have."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Protocol

import msgspec
from llmring_types import ModelFacts, Prices
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall, WireRequest

_PRICES = {
    "input": ("prompt", "input"),
    "output": ("completion", "output"),
    "cache_read": ("input_cache_read", "cached_input"),
}
_MOST_PAGES = 1_000
_PER = {"token": Decimal(1_000_000), "million": Decimal(1)}


class Page(msgspec.Struct, frozen=True):
    """Some models, and where the next ones are: a path below the base URL, or ``None`` after the last."""

    models: list[ModelFacts]
    next_path: str | None = None


class Listing(Protocol):
    """The part of a provider's protocol that lists models. Pure."""

    path: str
    """Of the first page, below the provider's base URL."""

    def decode(self, body: bytes) -> Page:
        """Translate a page.

        Raises:
            MalformedResponseError: it is no such page.
        """


async def read_pages(
    listing: Listing, get: Callable[[str], Awaitable[bytes]], *, provider: str
) -> list[ModelFacts]:
    """Return the models of all pages; ``get`` fetches what is at a path.

    Raises:
        MalformedResponseError: a page is no such page, or the list has no end.
    """
    found: list[ModelFacts] = []
    read: set[str] = set()
    path: str | None = listing.path
    while path is not None:
        if path in read or len(read) == _MOST_PAGES:
            raise MalformedResponseError(
                f"the list of models has no end: after {len(read)} pages the host names another",
                provider=provider,
            )
        read.add(path)
        page = listing.decode(await get(path))
        found += page.models
        path = page.next_path
    return found


def malformed_listing(provider: str, error: Exception) -> MalformedResponseError:
    """Return the error of a page that cannot be read."""
    return MalformedResponseError(
        f"the list of models is not what the protocol says: {error}", provider=provider, original=error
    )


class _OpenAIModel(msgspec.Struct):
    """One entry; all but the name is a host's own, so that an odd one must not cost the list."""

    id: str
    name: Any = None
    context_length: Any = None
    """OpenRouter, Together, Fireworks."""
    context_window: Any = None
    """Groq, Vercel."""
    max_context_length: Any = None
    """Mistral."""
    pricing: Any = None


class _OpenAIModels(msgspec.Struct):
    data: list[_OpenAIModel]


class OpenAIListing:
    """The list of models of OpenAI, which says their names alone, and those of hosts that say more.

    https://platform.openai.com/docs/api-reference/models/list
    https://openrouter.ai/docs/api-reference/list-available-models

    Args:
        provider: whose models; others speak this protocol as well.
        path: the place of the list, relative to the base URL.
        unit: the tokens that a price in it is for; ``None`` reads no prices.
    """

    def __init__(
        self, provider: str, path: str = "models", unit: Literal["token", "million"] | None = None
    ) -> None:
        self._provider = provider
        self._unit = unit
        self.path = f"/{path}"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_OpenAIModels | list[_OpenAIModel])
        except DECODE_ERRORS as error:
            raise malformed_listing(self._provider, error) from error
        return Page([self._facts(model) for model in (page if isinstance(page, list) else page.data)])

    def _facts(self, model: _OpenAIModel) -> ModelFacts:
        windows = (model.context_length, model.context_window, model.max_context_length)
        return ModelFacts(
            provider=self._provider,
            model=model.id,
            active=True,
            display_name=model.name if isinstance(model.name, str) else None,
            context_window=next((size for size in windows if type(size) is int and size > 0), None),
            prices=self._prices(model.pricing),
        )

    def _prices(self, pricing: Any) -> Prices:
        if self._unit is None or not isinstance(pricing, Mapping):
            return Prices()
        found: dict[str, Any] = {}
        for name, theirs in _PRICES.items():
            stated = next((pricing[each] for each in theirs if each in pricing), None)
            price = _decimal(stated)
            if price is not None:
                found[name] = price * _PER[self._unit]
        if "input" not in found or "output" not in found:
            return Prices()
        return Prices(**found, source=self._provider)


def _decimal(stated: Any) -> Decimal | None:
    """Return a price; -1 stands for one that depends on the model that is chosen."""
    try:
        price = Decimal(str(stated))
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None


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
