"""Model references: ``provider:model``."""

import re
from typing import Self

import msgspec

from llmring_types.exceptions import ModelReferenceError

_PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class ModelRef(msgspec.Struct, frozen=True, order=True):
    """A provider and the name that this provider gives to a model.

    Only the first colon separates: in ``ollama:llama3:8b`` the model is ``llama3:8b``. Provider names are
    compared in lower case; model names keep their case, since providers tell ``gpt-4o`` from ``GPT-4o``.
    """

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``provider:model``.

        Raises:
            ModelReferenceError: the text has no colon, or an empty or odd half (also a ``ValueError``).
        """
        provider, colon, model = text.partition(":")
        provider, model = provider.strip(), model.strip()
        if not colon or not model or not _PROVIDER.fullmatch(provider):
            raise ModelReferenceError(
                f"Invalid model format {text!r}: write 'provider:model', for example 'openai:gpt-4o'",
                reference=text,
            )
        return cls(provider.lower(), model)

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"
