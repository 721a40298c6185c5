"""``llmring --install-completion``."""

import shlex
from pathlib import Path
from typing import Literal

from cyclopts.completion.detect import ShellDetectionError, detect_shell

from llmring_cli._app import build_app
from llmring_cli._files import home_folder, write_output
from llmring_cli._output import CommandError, print_json, report
from llmring_cli._parameters import Json

_COLONS = Path(__file__).with_name("colons.bash")
_START_ZSH = "autoload -Uz compinit && compinit\n"


def install(
    *,
    shell: Literal["bash", "zsh", "fish", "powershell"] | None = None,
    output: Path | None = None,
    json: Json = False,
) -> None:
    """Install completion for the shell.

    Tab then completes commands, options, aliases and models. The script is written to the shell's folder for
    completions; a line in ~/.bashrc, ~/.zshrc or the PowerShell profile loads it.

    $ llmring --install-completion
    $ llmring --install-completion --shell fish

    Args:
        shell: The shell. Default: the one that runs this command.
        output: Write only the script, to this file.
    """
    if output is None:
        home_folder()  # raises if there is none
    try:
        chosen = shell or detect_shell()
        colons = _COLONS.read_text() if chosen == "bash" else ""
        if output is not None:
            path = output.absolute()
            write_output(path, (build_app().generate_completion(shell=chosen) + colons).encode())
        else:
            path = build_app().install_completion(shell=chosen)
            path.write_text(path.read_text() + colons)
            if chosen == "zsh":
                _start_completion(home_folder() / ".zshrc", path.parent)
    except ShellDetectionError as error:
        raise CommandError(f"{error}; name the shell with: --shell bash, zsh, fish or powershell") from error
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from error
    if json:
        print_json({"shell": chosen, "path": str(path)})
    else:
        report(f"wrote {path}; it takes effect in new {chosen} sessions")


def _start_completion(startup: Path, scripts: Path) -> None:
    """Have zsh look for completions at all, which a plain ``.zshrc`` does not; that of a framework does.

    The line that names the folder is there without quotes, which a blank in its name needs.
    """
    text = startup.read_text(errors="surrogateescape") if startup.exists() else ""
    complete = text.replace(f"fpath=({scripts} $fpath)", f"fpath=({shlex.quote(str(scripts))} $fpath)")
    if "compinit" not in text and "oh-my-zsh" not in text:
        complete = f"{complete.rstrip()}\n{_START_ZSH}".lstrip()
    if complete != text:
        startup.write_text(complete, errors="surrogateescape")
