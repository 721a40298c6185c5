"""Templates of ``llmring chat``: prompts with variables, the user's own and those of a repository."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from llmring.bulk import Template
from llmring.trust import config_folder, read_content
from llmring_lockfile import discover
from llmring_types.exceptions import ConfigurationError, LockfileError

from llmring_cli._mistakes import meant
from llmring_cli._output import CommandError
from llmring_cli._schemas import read_form
from llmring_cli.chat.message import refuse_link_out

REPOSITORY_FOLDER = Path(".llmring") / "templates"
INPUT = "input"
"""The variable that stands for the message."""
_IN_BRACES = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"\w[\w.-]*")
_OWN_INPUT = re.compile(rf"\{{{{?\s*{INPUT}\b")


class ChatTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt to fill in, and how to ask it. A template names no file, no tool and no program.

    Attributes:
        prompt: with variables in braces, ``{language}``; the message takes the place of ``{input}``, else it follows.
        system: instructions, with variables, too.
        model: an alias or ``provider:model``, where the command line names none.
        schema: the form of the answer, as fields on one line (``name, age int``) or as JSON.
        temperature: as in a request.
        max_tokens: as in a request.
        defaults: values of variables that the command line leaves out.
    """

    prompt: str = ""
    system: str | None = None
    model: str | None = None
    schema: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    defaults: dict[str, str | int | float | bool] = {}

    @property
    def uses_jinja(self) -> bool:
        """Return ``True`` for a template of Jinja, as :class:`llmring.bulk.Template` decides it."""
        return Template.needs_jinja(self.prompt) or Template.needs_jinja(self.system or "")

    def filled(self, message: str, given: Mapping[str, str]) -> tuple[str, str | None]:
        """Return the text of the message and the instructions.

        Raises:
            CommandError: a variable has no value, or a value is given for one that the template does not have.
            ValidationError: the template has a mistake (also a ``ValueError``).
        """
        self._refuse_unknown(given)
        values = {**self.defaults, **given, INPUT: message}
        self._require_all(values)
        text = Template(self.prompt).render(values)
        if message and not _OWN_INPUT.search(self.prompt + (self.system or "")):
            text = f"{text}\n\n{message}" if text else message
        return text, None if self.system is None else Template(self.system).render(values)

    def _require_all(self, values: Mapping[str, Any]) -> None:
        """Refuse a variable without a value; Jinja, which has defaults of its own, looks after its templates."""
        if self.uses_jinja:
            return
        named = Template.columns(f"{self.prompt} {self.system or ''}")
        missing = next((name for name in named if name not in values), None)
        if missing is not None:
            raise CommandError(f"the template needs a value for {missing!r}: --param '{missing}=…'")

    def _refuse_unknown(self, given: Mapping[str, str]) -> None:
        places = _IN_BRACES.findall(f"{self.prompt} {self.system or ''}")
        names = {name for place in places for name in _WORD.findall(place)}
        for name in given:
            if name not in names and name not in map(str.strip, places):
                raise CommandError(f"the template has no variable {name!r}{meant(name, names)}")

    def options(self) -> dict[str, Any]:
        """Return the fields of the request that the template sets."""
        form = None if self.schema is None else read_form(self.schema)
        options = {"temperature": self.temperature, "max_tokens": self.max_tokens, "response_format": form}
        return {name: value for name, value in options.items() if value is not None}


def folders() -> list[Path]:
    """Return where templates are, the user's own folder first, which so comes before a repository's."""
    own = config_folder()
    found = [own / "templates"] if own is not None else []
    found.append(Path.cwd() / REPOSITORY_FOLDER)
    try:
        lockfile = discover()
    except LockfileError:  # one that is named and missing is reported where it is needed
        return found
    if lockfile.origin in ("parent folder", "project package"):
        found.append(lockfile.path.parent / REPOSITORY_FOLDER)
    return found


def templates() -> dict[str, Path]:
    """Return the files of all templates by name, sorted."""
    found: dict[str, Path] = {}
    for path in (path for folder in folders() for path in _files(folder)):
        found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.toml") if _NAME.fullmatch(path.stem))


def read_template(name: str) -> ChatTemplate:
    """Return the template of a name.

    Raises:
        CommandError: there is none, it cannot be read, or one of a repository uses Jinja, which may never end.
        ValidationError: it is a link of this folder that leads out of it.
    """
    found = templates()
    if name not in found:
        hint = meant(name, found, f"they are TOML files in {folders()[0]} or {REPOSITORY_FOLDER}")
        raise CommandError(f"there is no template {name!r}{hint}")
    path = found[name]
    refuse_link_out(path)
    try:
        template = msgspec.convert(tomllib.loads(read_content(path).decode()), ChatTemplate)
    except (
        OSError,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        msgspec.ValidationError,
        ConfigurationError,
    ) as error:
        raise CommandError(f"cannot read the template {path}: {error}") from error
    own = config_folder()
    if template.uses_jinja and (own is None or path.parent != own / "templates"):
        raise CommandError(
            f"{path} uses {{{{ }}}} or {{% %}}, which only templates in your own folder may: they can take any amount of time"
        )
    return template


def read_pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    """Return the values of an option that is given as ``key=value``, once or several times.

    Raises:
        CommandError: one has no name or no ``=``.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise CommandError(f"{option} {pair!r}: write {option} name=value")
        found[key] = value
    return found


def json_values(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return values read as JSON where they are JSON, as ``0.5``, ``true`` and ``{"a": 1}``, else as text."""
    return {key: _json_or_text(value) for key, value in pairs.items()}


def _json_or_text(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
