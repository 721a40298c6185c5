"""``llmring --install-completion``."""

import shlex
from pathlib import Path
from typing import Literal

from cyclopts.completion.detect import ShellDetectionError, detect_shell
from cyclopts.completion.install import powershell_profile

from llmring_cli._app import build_app
from llmring_cli._files import home_folder, write_output
from llmring_cli._output import CommandError, print_json, report
from llmring_cli._parameters import Json

_COLONS = Path(__file__).with_name("colons.bash")
_START_ZSH = "autoload -Uz compinit && compinit\n"


def install(
    shell: Literal["bash", "zsh", "fish", "powershell"] | None = None,
    *,
    output: Path | None = None,
    json: Json = False,
) -> None:
    """Install completion for the shell.

    Tab then completes commands, options, aliases and models. The script is written to the shell's folder for
    completions, and a line that loads it is added to ~/.bashrc, ~/.zshrc or the PowerShell profile; fish needs
    none. The command prints the files that it changed.

    $ llmring --install-completion
    $ llmring --install-completion fish

    Args:
        shell: The shell. Default: the one that runs this command.
        output: Write only the script, to this file.
    """
    if output is None:
        home_folder()  # raises if there is none
    edited = None
    try:
        chosen = shell or detect_shell()
        colons = _COLONS.read_text() if chosen == "bash" else ""
        if output is not None:
            path = output.absolute()
            write_output(path, (build_app().generate_completion(shell=chosen) + colons).encode())
        else:
            startup = _startup_file(chosen)
            before = _read(startup)
            path = build_app().install_completion(shell=chosen)
            path.write_text(path.read_text() + colons)
            if chosen == "zsh":
                _start_completion(home_folder() / ".zshrc", path.parent)
            if startup is not None and _read(startup) != before:
                edited = startup
    except ShellDetectionError as error:
        raise CommandError(f"{error}; name the shell: bash, zsh, fish or powershell") from error
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from error
    if json:
        print_json({"shell": chosen, "path": str(path), "edited": None if edited is None else str(edited)})
    else:
        if edited is not None:
            report(f"added the lines that load it to {edited}")
        report(f"wrote {path}; it takes effect in new {chosen} sessions")


def _startup_file(shell: str) -> Path | None:
    """Return the file that loads completions when a shell starts; ``None`` for a shell that looks by itself."""
    if shell == "powershell":
        return powershell_profile()
    names = {"bash": ".bashrc", "zsh": ".zshrc"}
    return home_folder() / names[shell] if shell in names else None


def _read(startup: Path | None) -> str:
    return startup.read_text(errors="surrogateescape") if startup is not None and startup.exists() else ""


def _start_completion(startup: Path, scripts: Path) -> None:
    """Have zsh look for completions at all, which a plain ``.zshrc`` does not; that of a framework does.

    The line that names the folder is there without quotes, which a blank in its name needs.
    """
    text = _read(startup)
    complete = text.replace(f"fpath=({scripts} $fpath)", f"fpath=({shlex.quote(str(scripts))} $fpath)")
    if "compinit" not in text and "oh-my-zsh" not in text:
        complete = f"{complete.rstrip()}\n{_START_ZSH}".lstrip()
    if complete != text:
        startup.write_text(complete, errors="surrogateescape")
