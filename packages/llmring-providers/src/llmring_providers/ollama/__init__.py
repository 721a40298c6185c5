"""Ollama's own protocol, local or in its cloud: https://docs.ollama.com/api/chat"""

from llmring_providers.ollama.provider import OllamaAdapter, create
from llmring_providers.ollama.server import decode_tags, installed_models, normalise_host

__all__ = ["OllamaAdapter", "create", "decode_tags", "installed_models", "normalise_host"]
