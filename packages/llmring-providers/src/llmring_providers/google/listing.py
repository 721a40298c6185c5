"""The models that the Gemini API offers: https://ai.google.dev/api/models#method:-models.list"""

from urllib.parse import quote

import msgspec
from llmring_types import ModelFacts

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._listing import Page, malformed_listing


class _Model(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] = msgspec.field(default_factory=list)


class _Models(msgspec.Struct, rename="camel"):
    models: list[_Model] = msgspec.field(default_factory=list)
    next_page_token: str | None = None


class GoogleListing:
    """``GET models``, in pages of a thousand; those that do not generate content (embeddings, say) are left out."""

    path = "/models?pageSize=1000"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("google", error) from error
        token = page.next_page_token
        return Page(
            [
                _facts(model)
                for model in page.models
                if "generateContent" in model.supported_generation_methods
            ],
            f"{self.path}&pageToken={quote(token, safe='')}" if token else None,
        )


def _facts(model: _Model) -> ModelFacts:
    return ModelFacts(
        provider="google",
        model=model.name.removeprefix("models/"),
        display_name=model.display_name,
        context_window=model.input_token_limit or None,
        max_output_tokens=model.output_token_limit or None,
        active=True,
    )
