"""A Python function as a tool: schema from type hints and docstring, arguments from JSON, result as text."""

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from llmring_types import ToolCall
from llmring_types.exceptions import ValidationError

if TYPE_CHECKING:
    from docstring_parser import Docstring

F = TypeVar("F", bound=Callable[..., Any])

Content = str | list[dict[str, Any]]
_PLAIN_DEFAULTS = (str, int, float, bool, type(None))


class ToolError(Exception):
    """Raised by a tool to give the model this very message as a failed result."""


class Tool(msgspec.Struct, kw_only=True, frozen=True):
    """A tool that :meth:`LLMRing.run` can run.

    Attributes:
        name: by which the model calls it. Names that a provider refuses are mapped there and back.
        description: tells the model what it does and when to use it.
        parameters: JSON schema of the arguments, an object.
        call: takes the arguments as JSON text and returns what goes back to the model: a text, a list of content
            parts, or anything that JSON can carry. An exception that it raises goes back as a failed result.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    call: Callable[[str], Awaitable[Any]]

    def spec(self) -> dict[str, Any]:
        """Return the tool in the form in which a request has it."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


class ToolResult(msgspec.Struct, kw_only=True, frozen=True):
    """The outcome of one call of a tool.

    Attributes:
        call: the model's call.
        content: what goes back to the model.
        is_error: the tool failed, was refused or does not exist; ``content`` says how.
        seconds: how long it ran; 0 where it did not.
        error: the exception that it raised.
    """

    call: ToolCall
    content: Content
    is_error: bool = False
    seconds: float = 0.0
    error: Exception | None = None

    @property
    def name(self) -> str:
        """The name of the tool."""
        return self.call["function"]["name"]


def tool(function: Callable[..., Any], *, name: str | None = None, description: str | None = None) -> Tool:
    """Make a tool of a function, sync or async.

    The type hints give the schema (msgspec's types, dataclasses and TypedDicts, or pydantic's models), defaults make
    arguments optional, the docstring (Google, NumPy, reST or Epydoc style) or ``Annotated[int, "the number of …"]``
    describes them. A sync function runs in a thread.

    Args:
        function: a function, method, ``functools.partial`` or object that can be called.
        name: for the model; the function's own by default.
        description: for the model; the docstring without its sections by default.

    Raises:
        ValidationError: the function takes ``*args``, ``**kwargs`` or positional-only arguments, has a type that JSON
            cannot carry, or has no name.
    """
    named = name or getattr(_bare(function), "__name__", None)
    if not named or named == "<lambda>":
        raise ValidationError(f"{function!r} has no name: give tool(…, name=…)", field="tools")
    documented = _docstring(_bare(function))
    arguments = _Arguments(function, named, {each.arg_name: each.description for each in documented.params})
    if description is None:
        parts = (documented.short_description, documented.long_description)
        description = "\n\n".join(filter(None, parts))

    async def call(text: str) -> Any:
        given = arguments.read(text)
        if _is_async(function):
            return await function(**given)
        from anyio import to_thread  # noqa: PLC0415 - only for sync functions

        result = await to_thread.run_sync(functools.partial(function, **given), abandon_on_cancel=True)
        return await result if inspect.isawaitable(result) else result

    return Tool(name=named, description=description, parameters=arguments.schema, call=call)


class _Arguments:
    """The arguments of a function: as JSON schema, and read from JSON text."""

    def __init__(self, function: Callable[..., Any], name: str, described: Mapping[str, str | None]) -> None:
        from llmring.structured import schema_and_reader  # noqa: PLC0415 - a schema is made once for each tool

        self._names: list[str] = []
        fields: list[tuple[str, Any, Any]] = []
        for parameter in _parameters(function, name):
            kind = _with_description(parameter.annotation, described.get(parameter.name))
            self._names.append(parameter.name)
            fields.append((parameter.name, kind, parameter.default))
        try:
            schema, self._read = schema_and_reader(_type_of(name, fields))
        except (TypeError, NameError) as error:
            raise ValidationError(
                f"tool {name!r}: its arguments cannot be described as JSON: {error}", field="tools"
            ) from error
        self.schema = _object(schema)

    def read(self, text: str) -> dict[str, Any]:
        """Return the arguments by name.

        Raises:
            ValueError: the text is no JSON or does not match the types; the text says where.
        """
        from llmring.structured import MismatchError  # noqa: PLC0415 - as above

        try:
            values = self._read(text or "{}")
        except MismatchError as error:
            raise ValueError(f"the text of the arguments {error}") from error
        return {name: getattr(values, name) for name in self._names}


def _parameters(function: Callable[..., Any], name: str) -> Sequence[inspect.Parameter]:
    bare = _bare(function)
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = get_type_hints(bare if inspect.isroutine(bare) else type(bare).__call__, include_extras=True)
    except (TypeError, ValueError, NameError) as error:
        raise ValidationError(f"tool {name!r}: {error}", field="tools") from error
    found = []
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise ValidationError(
                f"tool {name!r}: {parameter} cannot be given by name; a tool's arguments are named one by one",
                field="tools",
            )
        hint = hints.get(parameter.name, Any)
        found.append(parameter.replace(annotation=hint))
    return found


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with its root in place of the reference to it, and without the made-up type's name."""
    definitions = dict(schema.get("$defs", {}))
    root = schema
    if "$ref" in schema:
        root = definitions.pop(schema["$ref"].removeprefix("#/$defs/"))
    kept = {key: value for key, value in root.items() if key not in {"title", "description", "$defs"}}
    return {**kept, "$defs": definitions} if definitions else kept


def _type_of(name: str, fields: Sequence[tuple[str, Any, Any]]) -> Any:
    empty = inspect.Parameter.empty
    if any(_is_pydantic(kind) for _, kind, _ in fields):
        import pydantic  # noqa: PLC0415 - a model that is given has loaded it

        given: dict[str, Any] = {
            field: (kind, ... if default is empty else default) for field, kind, default in fields
        }
        return pydantic.create_model(name, **given)
    return msgspec.defstruct(
        "Arguments",
        [
            (field, kind) if default is empty else (field, kind, _default(default))
            for field, kind, default in fields
        ],
        kw_only=True,
    )


def _default(value: object) -> Any:
    """Return a field with this default, which msgspec copies if it is mutable and refuses if it is no plain value."""
    if type(value) in _PLAIN_DEFAULTS:
        return value
    return msgspec.field(default_factory=lambda: value)


def _with_description(kind: Any, text: str | None) -> Any:
    """Annotate the type with its description; text in ``Annotated`` comes before the docstring's."""
    if get_origin(kind) is Annotated:
        own = next((each for each in kind.__metadata__ if isinstance(each, str)), None)
        text = own or text
        kept = tuple(each for each in kind.__metadata__ if not isinstance(each, str))
        base = get_args(kind)[0]
        kind = Annotated[(base, *kept)] if kept else base
    if not text:
        return kind
    if _is_pydantic(kind):
        import pydantic  # noqa: PLC0415 - as above

        return Annotated[kind, pydantic.Field(description=text)]
    return Annotated[kind, msgspec.Meta(description=text)]


def _is_pydantic(kind: Any) -> bool:
    if "pydantic" not in sys.modules:
        return False
    metadata = getattr(kind, "__metadata__", ())
    if hasattr(kind, "__pydantic_validator__") or any(
        type(each).__module__.startswith("pydantic") for each in metadata
    ):
        return True
    return any(map(_is_pydantic, get_args(kind)))


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _is_async(function: Callable[..., Any]) -> bool:
    bare = _bare(function)
    return inspect.iscoroutinefunction(bare) or inspect.iscoroutinefunction(getattr(bare, "__call__", None))  # noqa: B004 - not whether, but how


def _docstring(function: Callable[..., Any]) -> "Docstring":
    from docstring_parser import parse  # noqa: PLC0415 - a schema is made once for each tool

    return parse(inspect.getdoc(function) or "")


def result_content(value: object) -> Content:
    """Return what a tool gave back as content of a message: texts and parts as they are, all else as JSON.

    Raises:
        TypeError: JSON cannot carry it.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, dict) and "type" in each for each in value):
        return value
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)  # pydantic's
    if dump is None:
        raise TypeError(f"the tool returned {type(value).__name__}, which JSON cannot carry")
    return dump(mode="json")
