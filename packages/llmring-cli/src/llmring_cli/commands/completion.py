"""``llmring --install-completion``."""

from pathlib import Path
from typing import Literal

from cyclopts.completion.detect import ShellDetectionError, detect_shell

from llmring_cli._app import build_app
from llmring_cli._failure import CommandError
from llmring_cli._output import say


def install(
    *, shell: Literal["bash", "zsh", "fish", "powershell"] | None = None, output: Path | None = None
) -> None:
    """Install completion for the shell.

    Tab then completes commands, options, aliases and models. The script goes where the shell looks for such,
    and a line into ~/.bashrc, ~/.zshrc or the profile of PowerShell loads it.

    $ llmring --install-completion
    $ llmring --install-completion --shell fish

    Args:
        shell: The shell; the one that runs this command when it is left out.
        output: Write the script to this file, and no line anywhere else.
    """
    try:
        path = build_app().install_completion(
            shell=shell or detect_shell(), output=output, add_to_startup=output is None
        )
    except ShellDetectionError as error:
        raise CommandError(f"{error}; name the shell with: --shell bash, zsh, fish or powershell") from error
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from error
    say(f"wrote {path}; it works in every shell started from now on")
