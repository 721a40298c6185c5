"""What ``llmring chat`` is made of: the message, the conversation, the answer on its way, and the account of it."""
