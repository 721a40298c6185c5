"""Model references in the form of llmring 1.4, over :class:`llmring.ModelRef`."""

from llmring_lockfile import is_reference
from llmring_types import ModelRef

__all__ = ["is_model_reference", "parse_model_string", "strip_provider_prefix"]


def is_model_reference(text: str) -> bool:
    """Return whether the text is a ``provider:model``, and no alias."""
    return is_reference(text)


def parse_model_string(model: str) -> tuple[str, str]:
    """Return the provider and its name of the model.

    Raises:
        ModelReferenceError: it is no ``provider:model`` (also a ``ValueError``).
    """
    ref = ModelRef.parse(model)
    return ref.provider, ref.model


def strip_provider_prefix(model: str, provider: str) -> str:
    """Return the model's name without this provider before it."""
    return model.removeprefix(f"{provider}:")
