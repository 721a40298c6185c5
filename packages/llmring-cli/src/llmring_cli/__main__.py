"""``python -m llmring_cli``, for whoever has the interpreter at hand and not its scripts."""

from llmring_cli import main

main()
