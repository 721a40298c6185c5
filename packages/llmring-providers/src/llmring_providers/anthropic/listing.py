"""The models that Anthropic offers: https://platform.claude.com/docs/en/api/models/list"""

import msgspec
from llmring_types import ModelFacts

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._listing import Page, malformed_listing


class _Model(msgspec.Struct):
    id: str
    display_name: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model]
    has_more: bool = False
    last_id: str | None = None


class AnthropicListing:
    """``GET /v1/models``, in pages of a thousand."""

    path = "/v1/models?limit=1000"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("anthropic", error) from error
        more = page.has_more and page.last_id
        return Page(
            [_facts(model) for model in page.data], f"{self.path}&after_id={page.last_id}" if more else None
        )


def _facts(model: _Model) -> ModelFacts:
    return ModelFacts(
        provider="anthropic",
        model=model.id,
        display_name=model.display_name,
        context_window=model.max_input_tokens or None,
        max_output_tokens=model.max_tokens or None,
        active=True,
    )
