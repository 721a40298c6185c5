"""Greetings by a model. The package ships ``llmring.lock``, whose alias an application may bind to another model."""

from llmring import LLMRing

__all__ = ["greeting"]


async def greeting(ring: LLMRing, name: str) -> str:
    """Return a greeting. The ring is the application's: its keys, budgets and logs count."""
    return await ring.ask(f"Write a birthday greeting for {name}, one line.", model="greeting_card:writer")
