"""The ``llmring`` command."""

from collections.abc import Sequence

__all__ = ["main", "run"]


def main() -> None:
    """Run the command of this process and leave with its exit code."""
    import gc  # noqa: PLC0415

    # Importing leaves hardly any garbage; collecting it would take a tenth of the time of a short command.
    gc.disable()
    try:
        from llmring_cli._run import main  # noqa: PLC0415
    except KeyboardInterrupt:  # Ctrl-C this early
        raise SystemExit(130) from None
    main()


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: ``run(["aliases", "--json"])``."""
    from llmring_cli._run import run  # noqa: PLC0415

    return run(arguments)
