"""A real and very small model, run by llama.cpp's server in a process of its own: no key, no network."""

from llmring_providers.local.provider import MODEL, Endpoint, ServerProcess, create, find_weights

__all__ = ["MODEL", "Endpoint", "ServerProcess", "create", "find_weights"]
