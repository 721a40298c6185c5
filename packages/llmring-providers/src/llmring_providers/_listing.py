"""Asking a provider which models it offers to this key."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from llmring_types import ModelFacts
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._json import DECODE_ERRORS


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


async def read_pages(listing: Listing, get: Callable[[str], Awaitable[bytes]]) -> list[ModelFacts]:
    """Return the models of all pages; ``get`` fetches what is at a path."""
    found: list[ModelFacts] = []
    path: str | None = listing.path
    while path is not None:
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
    id: str


class _OpenAIModels(msgspec.Struct):
    data: list[_OpenAIModel]


class OpenAIListing:
    """https://platform.openai.com/docs/api-reference/models/list: names, and nothing more that is of use.

    Args:
        provider: whose models; others speak this protocol as well.
        path: the place of the list, relative to the base URL.
    """

    def __init__(self, provider: str, path: str = "models") -> None:
        self._provider = provider
        self.path = f"/{path}"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_OpenAIModels)
        except DECODE_ERRORS as error:
            raise malformed_listing(self._provider, error) from error
        return Page([ModelFacts(provider=self._provider, model=model.id, active=True) for model in page.data])
