"""A type as JSON schema, and text as its instance."""

import dataclasses
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, is_typeddict

import msgspec

from llmring.structured._patterns import has_patterns
from llmring.structured._reading import MismatchError, SlowPatternError, breach, not_json, schema_reader

if TYPE_CHECKING:
    import pydantic

_PLACE = re.compile(r"(.*?)(?: - at `(\$.*)`)?", re.DOTALL)
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64
_PYDANTIC_NOT_JSON = ("json_invalid", "string_unicode")


class TypedAnswer(NamedTuple):
    """A type as a schema to send and a reader of the answer.

    Attributes:
        name: of the letters that providers take.
        schema: an object, as OpenAI's strict mode takes it if it can; any other type stands under its only property
            ``value``, though a model may leave that out.
        read: text to instance.
        validates: it matches patterns by the schema, which takes far longer than reading.
    """

    name: str
    schema: dict[str, Any]
    read: Callable[[str], Any]
    validates: bool


@lru_cache(maxsize=256)
def describe(wanted: Any) -> TypedAnswer:
    """Describe a msgspec Struct, dataclass, TypedDict, pydantic model, or any type made of such.

    Raises:
        TypeError: it is not a type, or one that JSON cannot carry.
        NameError: an annotation in it names something that is not there.
    """
    from llmring_providers.schema import OPENAI_STRICT, completed, rewrite  # noqa: PLC0415 - only for types

    schema, read = schema_and_reader(wanted)
    name = _NOT_NAME.sub("_", getattr(wanted, "__name__", None) or str(wanted)).strip("_")
    schema = completed(schema)
    strict = rewrite(schema, OPENAI_STRICT, answer=True)
    return TypedAnswer(
        name[:_LONGEST_NAME] or "response",
        schema if strict.objections else strict.schema,
        read,
        has_patterns(schema),
    )


def schema_and_reader(wanted: Any) -> tuple[dict[str, Any], Callable[[str], Any]]:
    """Return the schema as msgspec or pydantic writes it, and what makes an instance of a JSON text.

    Raises:
        TypeError: it is not a type, or one that JSON cannot carry.
        NameError: an annotation in it names something that is not there.
    """
    if isinstance(wanted, str):
        raise TypeError(f"{wanted!r} is a text")
    build = _pydantic if _mentions_pydantic(wanted) else _msgspec
    try:
        return build(wanted)
    except TypeError:
        if build is _pydantic or not _may_hold_models(wanted):
            raise
        return _pydantic(wanted)


def _mentions_pydantic(wanted: Any) -> bool:
    return hasattr(wanted, "__pydantic_validator__") or any(map(_mentions_pydantic, get_args(wanted)))


def _may_hold_models(wanted: Any) -> bool:
    """Return whether a pydantic model may stand in its annotations; a model is not there before its library is."""
    holds = dataclasses.is_dataclass(wanted) or is_typeddict(wanted) or bool(get_args(wanted))
    return holds and "pydantic" in sys.modules


def _msgspec(wanted: Any) -> tuple[dict[str, Any], Callable[[str], Any]]:
    from llmring_providers.schema import wraps  # noqa: PLC0415 - as above

    schema = msgspec.json.schema(wanted)
    if not wraps(schema):
        return schema, _reader(wanted, schema)
    answer = msgspec.defstruct("Answer", [("value", wanted)])
    whole = msgspec.json.schema(answer)
    return whole, _unwrapped(_reader(answer, whole), _reader(wanted, schema))


def _reader(wanted: Any, schema: dict[str, Any]) -> Callable[[str], Any]:
    """Return what msgspec makes of a text; patterns are matched within a time limit first, since msgspec knows none."""
    decode = msgspec.json.Decoder(wanted).decode
    check = schema_reader(schema) if has_patterns(schema) else None

    def read(text: str) -> Any:
        if check is not None:
            check(text)
        try:
            return decode(text)
        except msgspec.ValidationError as error:
            raise _misplaced(error) from error
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise not_json(error) from error

    return read


def _unwrapped(read_answer: Callable[[str], Any], read_bare: Callable[[str], Any]) -> Callable[[str], Any]:
    """Read the value of an answer; a model that is not held to the schema gives the bare value as often."""

    def read(text: str) -> Any:
        try:
            return read_answer(text).value
        except MismatchError:
            try:
                return read_bare(text)
            except MismatchError:
                if not text.lstrip().startswith("{"):
                    raise
            raise

    return read


def _misplaced(error: msgspec.ValidationError) -> MismatchError:
    found = _PLACE.fullmatch(str(error))
    expected, path = (found[1], found[2]) if found is not None else (str(error), None)
    return breach(path or "$", expected)


def _pydantic(wanted: Any) -> tuple[dict[str, Any], Callable[[str], Any]]:
    import pydantic  # noqa: PLC0415 - whoever gives a model has imported it
    from llmring_providers.schema import wraps  # noqa: PLC0415 - as above

    try:
        adapter = pydantic.TypeAdapter(wanted)
        schema = adapter.json_schema()
        if not wraps(schema):
            return schema, _pydantic_reader(adapter, schema)
        answer = pydantic.TypeAdapter(pydantic.create_model("Answer", value=(wanted, ...)))
        whole = answer.json_schema()
        return whole, _unwrapped(_pydantic_reader(answer, whole), _pydantic_reader(adapter, schema))
    except pydantic.errors.PydanticUserError as error:
        raise TypeError(str(error)) from error


def _pydantic_reader(adapter: "pydantic.TypeAdapter[Any]", schema: dict[str, Any]) -> Callable[[str], Any]:
    """Return what pydantic makes of a text. Patterns that it leaves to ``re`` are matched within a time limit first.

    Its own engine does not backtrack: https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.regex_engine
    """
    import pydantic  # noqa: PLC0415 - as above

    check = schema_reader(schema) if has_patterns(schema) and _backtracks(adapter.core_schema) else None

    def read(text: str) -> Any:
        if check is not None:
            try:
                check(text)
            except SlowPatternError:
                raise
            except MismatchError:
                pass  # pydantic may take it all the same ("1" for a number), and says more where it does not
        try:
            return adapter.validate_json(text)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            if first["type"] in _PYDANTIC_NOT_JSON and not first["loc"]:
                raise not_json(ValueError(first["msg"])) from error
            raise breach(_path(first["loc"]), first["msg"]) from error

    return read


def _backtracks(core_schema: Any) -> bool:
    """Return whether pydantic matches a pattern with ``re``."""
    if isinstance(core_schema, dict):
        return core_schema.get("regex_engine") == "python-re" or any(map(_backtracks, core_schema.values()))
    if isinstance(core_schema, list | tuple):
        return any(map(_backtracks, core_schema))
    return isinstance(core_schema, re.Pattern)


def _path(places: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places)
