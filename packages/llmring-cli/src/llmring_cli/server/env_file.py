"""The file that keeps the server's URL and key: ``export NAME=value`` lines, to be sourced or read by dotenv.

It holds a key, so it is readable for its owner alone. Its other lines stay.
"""

import io
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from llmring_types.exceptions import ConfigurationError

from llmring_cli._failure import CommandError
from llmring_cli._files import write_output

DEFAULT = Path(".env.llmring")
URL, KEY = "LLMRING_SERVER_URL", "LLMRING_API_KEY"
_HEADING = "# The usage server of llmring. It holds a key: keep this file out of version control.\n"
_UNQUOTABLE = re.compile(r"['\\\s]")
"""Characters that a shell and dotenv read differently, whatever quotes surround them."""
_LEAST_SHOWN = 9
_ENDS = 4


def read_env_file(path: Path) -> dict[str, str]:
    """Return what the file sets; nothing where there is none.

    Raises:
        CommandError: it cannot be read.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most commands do without

    bindings = parse_stream(io.StringIO(_text(path)))
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Set these variables in the file. It is created if missing and replaced atomically, with mode 600.

    Raises:
        ConfigurationError: a value cannot be written so that a shell and dotenv read the same.
        CommandError: the file cannot be read or written.
    """
    text = with_values(_text(path), values)
    if not path.parent.is_dir():
        raise CommandError(f"cannot write {path}: there is no folder {path.parent}")
    write_output(path, text.encode(), private=True)


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return the text of an env file with these variables set, each once: in its place, else at the end."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - as above

    lines = {name: _line(name, value) for name, value in values.items()}
    written: set[str] = set()
    parts = []
    for binding in parse_stream(io.StringIO(text)):
        original, name = binding.original.string, binding.key
        if name not in lines:
            parts.append(original)
        elif name not in written:
            written.add(name)
            parts.append(original[: len(original) - len(original.lstrip())] + lines[name])
    missing = [line for name, line in lines.items() if name not in written]
    kept = "".join(parts) or _HEADING
    if missing and not kept.endswith("\n"):
        kept += "\n"
    return kept + "".join(missing)


def _line(name: str, value: str) -> str:
    if _UNQUOTABLE.search(value):
        raise ConfigurationError(
            f"{name} cannot be written to an env file: it has a quote, a backslash or a space"
        )
    return f"export {name}={shlex.quote(value)}\n"


def _text(path: Path) -> str:
    from llmring.trust import read_content  # noqa: PLC0415 - as above

    try:
        return read_content(path).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise CommandError(f"cannot read {path}: {error}") from error


def new_key() -> str:
    """Return a random key: ``llmr_pk_`` and 32 hexadecimal digits."""
    return f"llmr_pk_{secrets.token_hex(16)}"


def masked(key: str) -> str:
    """Return the first and last four characters of a key, enough to recognize it; of a short one nothing."""
    return "*" * len(key) if len(key) < _LEAST_SHOWN else f"{key[:_ENDS]}…{key[-_ENDS:]}"


def shown(key: str, *, whole: bool) -> str:
    """Return the key as it is printed."""
    return key if whole else masked(key)
