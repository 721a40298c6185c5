"""Requests read back from cassettes, to be asked of another model."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from llmring_types import LLMRequest
from llmring_types.exceptions import ValidationError
from msgspec import UNSET

from llmring.testing._cassettes import cassette
from llmring.testing._cassettes.cassette import Asked


class RecordedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat request of a cassette.

    Attributes:
        provider: that it was sent to.
        model: the provider's name of the model; empty where it cannot be read.
        request: in the neutral form, whole also where a stream was asked for; its ``model`` is ``provider:model``. The
            error of one that cannot be read.
    """

    provider: str
    model: str
    request: LLMRequest | ValidationError


def recorded_requests(path: str | Path) -> list[RecordedRequest]:
    """Return the chat requests of a cassette in order, to ask them again. Other requests are left out.

    Raises:
        CassetteError: there is no cassette, or it cannot be read.
    """
    return list(_read(Path(path)))


def _read(path: Path) -> Iterator[RecordedRequest]:
    from llmring_providers.hosting import CODECS, find_route  # noqa: PLC0415 - replays do without

    for interaction in cassette.load(path).interactions:
        asked, provider = interaction.request, interaction.provider
        headers = {name.lower(): value for name, value in asked.headers.items()}
        route = find_route(asked.method.upper(), asked.url, headers)
        if route is None or route.operation != "chat":
            continue
        try:
            request = CODECS[route.protocol].read(route, headers, _body(asked)).request
        except ValidationError as error:
            yield RecordedRequest(provider=provider, model="", request=error)
            continue
        model = request.model or ""
        request.model = f"{provider}:{model}"
        yield RecordedRequest(provider=provider, model=model, request=request)


def _body(asked: Asked) -> bytes:
    """Return the body where it is text, as bodies of chat requests are."""
    if asked.json is not UNSET:
        return msgspec.json.encode(asked.json)
    return b"" if asked.text is UNSET else asked.text.encode()
