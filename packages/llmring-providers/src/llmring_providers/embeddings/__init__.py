"""Embeddings and reranking of every protocol: pure codecs, found by the row of the host."""

from llmring_providers.embeddings.calls import (
    EmbeddingCall,
    EmbeddingLimits,
    Embeds,
    RankCall,
    Ranking,
    Reranks,
    Vectors,
)
from llmring_providers.embeddings.codecs import EmbeddingCodec, address, embedding_codec
from llmring_providers.embeddings.reranking import RerankCodec, rerank_codec

__all__ = [
    "EmbeddingCall",
    "EmbeddingCodec",
    "EmbeddingLimits",
    "Embeds",
    "RankCall",
    "Ranking",
    "RerankCodec",
    "Reranks",
    "Vectors",
    "address",
    "embedding_codec",
    "rerank_codec",
]
