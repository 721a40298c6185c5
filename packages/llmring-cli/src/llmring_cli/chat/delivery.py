"""Destinations of an answer besides the screen: its first code block alone, and the clipboard."""

from llmring_cli._output import CommandError


def first_block(text: str) -> str:
    """Return the content of the first fenced block of a Markdown text; the whole text where there is none."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - for this alone

    fences = (token.content for token in MarkdownIt().parse(text) if token.type == "fence")
    return next(fences, f"{text}\n").removesuffix("\n")


def copy(text: str) -> None:
    """Put a text into the clipboard of the system.

    Raises:
        CommandError: nothing on this machine can.
    """
    import pyperclip  # type: ignore[import-untyped]  # noqa: PLC0415 - for this alone; 1.11 has no types

    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException as error:
        raise CommandError(
            "the answer was printed and not copied: no clipboard was found (on Linux, install wl-clipboard or xclip)"
        ) from error
