"""The parts of ``llmring chat``: message, conversation, answer."""
