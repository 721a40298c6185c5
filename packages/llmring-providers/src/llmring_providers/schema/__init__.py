"""JSON Schema in the words of each vendor.

People write any JSON Schema; every vendor takes some of it and answers the rest with 400.
:func:`rewrite` says a schema in the words of a :class:`Dialect`: older drafts in the newest one's, references that
lead into ``$defs``, intersections joined, and what the vendor has no word for in the description. What cannot be said
even so stands in ``objections``, and the adapter drops ``strict`` or puts the schema into the prompt, with a warning.
Whoever reads the answer validates it by the user's own schema.
"""

from llmring_providers.schema._dialects import (
    ANTHROPIC,
    ANTHROPIC_STRICT,
    GEMINI,
    GEMINI_OPENAPI,
    OLLAMA_FORMAT,
    OLLAMA_TOOL,
    OPENAI,
    OPENAI_STRICT,
    Dialect,
)
from llmring_providers.schema._rewrite import Rewritten, completed, rewrite, wraps
from llmring_providers.schema._root import WRAPPER, is_object
from llmring_providers.schema._writer import optional_properties, takes_pattern, unions

__all__ = [
    "ANTHROPIC",
    "ANTHROPIC_STRICT",
    "GEMINI",
    "GEMINI_OPENAPI",
    "OLLAMA_FORMAT",
    "OLLAMA_TOOL",
    "OPENAI",
    "OPENAI_STRICT",
    "WRAPPER",
    "Dialect",
    "Rewritten",
    "completed",
    "is_object",
    "optional_properties",
    "rewrite",
    "takes_pattern",
    "unions",
    "wraps",
]
