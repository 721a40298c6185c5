"""``llmring lock chat``: an advisor that helps to write a lockfile."""
