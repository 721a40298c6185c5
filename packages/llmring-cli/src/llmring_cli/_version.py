"""The version of the command."""


def version_text() -> str:
    """Return it as the installed package tells it."""
    from importlib.metadata import version  # noqa: PLC0415 - slow to import

    return version("llmring-cli")
