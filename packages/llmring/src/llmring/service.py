"""The import path of the ring in llmring 1.4: ``from llmring import LLMRing`` now."""

from llmring._moved import moved

__getattr__ = moved(__name__, {"LLMRing": "llmring.LLMRing"})
