"""Bulk jobs on several machines: ``ds.map_batches(llmring.ray.Chat("summarizer", prompt="…{text}…"))``.

The engine is Ray Data (https://docs.ray.io/en/latest/data/data.html); ``docs/how-to/ray-and-dask.md`` has recipes, and
one for Dask. Nothing here imports Ray: its workers import this. Extra ``ray``.
"""

from llmring.ray._chat import BlockChat, Chat

__all__ = ["BlockChat", "Chat"]
