"""From the text of an answer to a value, and where it goes wrong."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from llmring_types.exceptions import ValidationError

from llmring.structured._patterns import MOST_SECONDS, PatternTimeoutError, Stopwatch, bounded, has_patterns

if TYPE_CHECKING:  # a tenth of a second of import, only for strict schemas
    from jsonschema.protocols import Validator

_NOT_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)
_LONGEST_PROBLEM = 300
_SYNTAX = "JSON"


class MismatchError(Exception):
    """The text is not what was asked for. The message goes on after "the answer".

    Attributes:
        path: the place, from ``$``.
        expected: what was expected there.
        found: the JSON in a tuple, where there is some that a lenient caller may take all the same.
    """

    def __init__(self, problem: str, *, path: str, expected: str) -> None:
        super().__init__(problem)
        self.path = path
        self.expected = expected
        self.found: tuple[Any, ...] = ()

    @property
    def is_syntax(self) -> bool:
        """True if the text is no JSON at all, so that JSON may still stand within it."""
        return self.expected == _SYNTAX


class SlowPatternError(MismatchError):
    """A pattern took too long: whether the text is what was asked for is not known."""


def read_json(text: str) -> Any:
    """Read any JSON value."""
    try:
        return msgspec.json.decode(text)
    except _NOT_JSON as error:
        raise not_json(error) from error


def value_reader(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a reader that validates by the schema, if that is valid, and gives a broken value with the error."""
    wrapped = _may_be_wrapped(schema)

    def read(text: str) -> Any:
        value = _read_bare(text) if wrapped else read_json(text)
        try:
            return schema_reader(schema)(text)
        except ValidationError:  # nobody asked to be held to it
            return value
        except MismatchError as mismatch:
            mismatch.found = (value,)
            raise

    return read


def _may_be_wrapped(schema: Mapping[str, Any]) -> bool:
    """Return whether an answer may be the only property of an object, as OpenAI takes schemas of objects only."""
    from llmring_providers.schema import wraps  # noqa: PLC0415 - only for answers of a schema

    try:
        return wraps(schema)
    except (TypeError, ValueError, RecursionError):  # the adapter says what is wrong with it
        return False


def _read_bare(text: str) -> Any:
    return _bare(read_json(text))


def _bare(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and value.keys() == {"value"} else value


def read_container(text: str) -> Any:
    """Read an object or an array: what JSON mode without a schema stands for."""
    value = read_json(text)
    if not isinstance(value, (dict, list)):
        raise MismatchError("is not a JSON object or array", path="$", expected="an object or an array")
    return value


def schema_reader(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a reader that validates; the validator of a schema is made once.

    Raises:
        ValidationError: the schema itself is not valid.
    """
    try:
        text = msgspec.json.encode(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad_schema(error) from error
    validator = _validator(text)
    wrapped = _may_be_wrapped(schema)

    def read(text: str) -> Any:
        value = read_json(text)
        try:
            _validate(validator, value)
        except MismatchError:
            bare = _bare(value) if wrapped else value
            if bare is value:
                raise
            _validate(validator, bare)
            return bare
        return value

    return read


def not_json(error: Exception) -> MismatchError:
    """Build the error for text that is not JSON."""
    return MismatchError(f"is not JSON: {error}", path="$", expected=_SYNTAX)


def breach(path: str, expected: str) -> MismatchError:
    """Build the error for JSON that breaks its schema."""
    if len(expected) > _LONGEST_PROBLEM:
        expected = expected[:_LONGEST_PROBLEM] + " …"
    return MismatchError(f"breaks its schema at {path}: {expected}", path=path, expected=expected)


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> "Validator":
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - see above
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    document = msgspec.json.decode(schema)
    try:
        known = isinstance(document.get("$schema"), str)
        kind = validator_for(document, default=Draft202012Validator) if known else Draft202012Validator
        kind.check_schema(document)
        if has_patterns(document):
            kind = bounded(kind, document)
    except SchemaError as error:
        raise _bad_schema(f"{error.message} at {error.json_path}") from error
    except ValueError as error:  # an address or a pattern in it that is not valid
        raise _bad_schema(error) from error
    return kind(document, registry=Registry())  # an empty registry fetches nothing from the network


def _validate(validator: "Validator", value: Any) -> None:
    from jsonschema.exceptions import best_match  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        with Stopwatch():
            found = best_match(validator.iter_errors(value))
    except PatternTimeoutError as late:
        raise SlowPatternError(
            f"could not be checked: the pattern {late.pattern!r:.80} took longer than {MOST_SECONDS:g} s",
            path="$",
            expected=f"strings that {late.pattern!r:.80} matches in time",
        ) from None
    except (Unresolvable, RecursionError, ValueError) as error:
        # A mistake that a check of the schema itself does not see.
        raise _bad_schema(error) from error
    if found is not None:
        raise breach(found.json_path, found.message) from found


def _bad_schema(problem: object) -> ValidationError:
    return ValidationError(
        f"response_format has a schema that is not valid: {problem}", field="response_format"
    )
