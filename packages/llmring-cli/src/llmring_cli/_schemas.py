"""The forms of answers that ``--schema`` takes: types of Python, JSON Schemas, and fields on one line."""

import re
import sys
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli.chat.exchange import import_object
from llmring_cli.chat.message import read_file

_TYPE = re.compile(r"[\w./\\-]+:[^\W\d]\w*")
_FIELD = re.compile(r"(?P<name>[^\W\d]\w*)(?:\s+(?P<type>[a-z]+)(?P<many>\[\])?)?(?:\s*:\s*(?P<note>.+))?")
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def read_schema(text: str) -> Any:
    """Return the form of the answers: a type, or a JSON Schema as ``response_format`` takes it.

    Args:
        text: ``module:Type`` or ``file.py:Type``, whose code runs; a file ``.json``; JSON; or fields, separated by
            commas or line ends, each a name with perhaps a type (``str``, ``int``, ``float``, ``bool``, with ``[]`` for
            a list of them) and, after a colon, a description: ``name, age int, tags str[]``.

    Raises:
        CommandError: it is none of these.
    """
    text = text.strip()
    if text.startswith("{"):
        return _json_schema("answer", text)
    if text.endswith(".json"):
        try:
            return _json_schema(Path(text).stem, read_file(Path(text)).decode())
        except UnicodeDecodeError as error:
            raise CommandError(f"cannot read {text}: it is not UTF-8") from error
    return _type(text) if _TYPE.fullmatch(text) else _form("answer", _object(text))


def read_form(text: str) -> dict[str, Any]:
    """Return the form of the answers as ``response_format`` takes it; no code runs and no file is read.

    Args:
        text: JSON, or fields as :func:`read_schema` takes them.

    Raises:
        CommandError: it is neither.
    """
    text = text.strip()
    return _json_schema("answer", text) if text.startswith("{") else _form("answer", _object(text))


def _type(text: str) -> Any:
    place, _, name = text.rpartition(":")
    try:
        if place.endswith(".py"):
            return getattr(_module_of(Path(place)), name)
        return import_object(text)
    except Exception as error:  # whatever the module raises
        raise CommandError(f"--schema {text}: {type(error).__name__}: {error}") from error


def _module_of(path: Path) -> ModuleType:
    name = f"llmring_schema_{path.stem}"  # types.py must not take the place of Python's own module
    found = util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = util.module_from_spec(found)
    sys.modules[name] = module  # types look their names up there
    found.loader.exec_module(module)
    return module


def _json_schema(name: str, text: str) -> dict[str, Any]:
    try:
        return _form(name, msgspec.json.decode(text, type=dict[str, Any]))
    except msgspec.DecodeError as error:
        raise CommandError(f"the schema is no JSON object: {error}", exit_code=WRONG_USAGE) from error


def _form(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    form = {"name": re.sub(r"\W", "_", name), "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": form}


def _object(text: str) -> dict[str, Any]:
    """Return the schema of an object with the fields of a line, or of one a line."""
    fields = [field.strip() for field in text.split("\n" if "\n" in text else ",")]
    properties = dict(_property(field) for field in fields if field)
    if not properties:
        raise CommandError("--schema names no fields", exit_code=WRONG_USAGE)
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _property(field: str) -> tuple[str, dict[str, Any]]:
    found = _FIELD.fullmatch(field)
    if found is None or (found["type"] or "str") not in _TYPES:
        raise CommandError(
            f"--schema: {field!r} is no field: write a name, and perhaps {', '.join(_TYPES)} or, for lists, str[]; "
            "else module:Type, file.py:Type, a file that ends in .json, or JSON",
            exit_code=WRONG_USAGE,
        )
    schema: dict[str, Any] = {"type": _TYPES[found["type"] or "str"]}
    if found["many"]:
        schema = {"type": "array", "items": schema}
    if found["note"]:
        schema["description"] = found["note"].strip()
    return found["name"], schema
