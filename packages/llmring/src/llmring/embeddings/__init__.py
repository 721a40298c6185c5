"""Embeddings and reranking on the routes, limits, budgets and records that chat has."""

from llmring.embeddings._calls import Embedding, Reranking

__all__ = ["Embedding", "Reranking"]
