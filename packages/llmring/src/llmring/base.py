"""The import path of providers in llmring 1.4: ``llmring_providers`` now."""

from llmring._moved import moved

__getattr__ = moved(
    __name__,
    {
        "BaseLLMProvider": "llmring_providers.Provider",
        "ProviderCapabilities": "llmring_types.ModelFacts",
        "ProviderConfig": "llmring_providers.ProviderSettings",
    },
)
