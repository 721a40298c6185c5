"""The methods that llmring 1 had from pydantic, on structs, and what pydantic and FastAPI ask of a type."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
from msgspec import UNSET

from llmring_types.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class Model(msgspec.Struct):
    """A struct with ``model_dump``, ``model_copy``, ``model_validate`` and their like, as pydantic has them."""

    def model_dump(
        self,
        *,
        mode: Literal["python", "json"] = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the fields as a dict, nested ones too.

        Args:
            mode: ``json`` makes all values such as JSON has; ``python`` keeps a datetime or a type as it is.
            include: only these fields.
            exclude: without these.
            exclude_none: without those that are ``None``, at any depth.

        Raises:
            TypeError: ``json``, and a value that it cannot carry.
        """
        names = (
            self.__struct_fields__
            if include is None
            else [each for each in self.__struct_fields__ if each in include]
        )
        fields = {name: getattr(self, name) for name in names if name not in exclude}
        dumped: dict[str, Any] = _dumped(fields, without_none=exclude_none)
        return msgspec.to_builtins(dumped, enc_hook=_of_pydantic) if mode == "json" else dumped

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        exclude_none: bool = False,
    ) -> str:
        """Return the fields as JSON text; the options are those of :meth:`model_dump`."""
        dumped = self.model_dump(include=include, exclude=exclude, exclude_none=exclude_none)
        data = msgspec.json.encode(dumped, enc_hook=_of_pydantic)
        return (data if indent is None else msgspec.json.format(data, indent=indent)).decode()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with some fields changed; the new ones are checked.

        Args:
            update: fields by name.
            deep: copy what is within, too.
        """
        import copy  # noqa: PLC0415 - only for copies

        made = copy.deepcopy(self) if deep else self
        return msgspec.structs.replace(made, **(update or {}))

    @classmethod
    def model_validate(cls, obj: object) -> Self:
        """Return an instance of a mapping with its fields; an instance is returned as it is.

        Raises:
            ValidationError: it has other fields, or of the wrong kind (also a ``ValueError``).
        """
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, Mapping):
            raise ValidationError(f"{cls.__name__} is made of a mapping; got {type(obj).__name__}", field="")
        try:
            return cls._of(dict(obj))
        except (TypeError, msgspec.ValidationError) as error:
            raise ValidationError(f"{cls.__name__}: {error}", field="") from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Return an instance of a JSON object with its fields.

        Raises:
            ValidationError: it is no JSON, or as from :meth:`model_validate`.
        """
        try:
            obj = msgspec.json.decode(json_data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ValidationError(f"{cls.__name__}: {error}", field="") from error
        return cls.model_validate(obj)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Let pydantic models have fields of this type, and FastAPI take and return it.

        https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__
        """
        from pydantic_core import core_schema  # noqa: PLC0415 - whoever asks has imported it

        return core_schema.no_info_plain_validator_function(
            cls.model_validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value, info: value.model_dump(mode=info.mode), info_arg=True
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """Return the JSON schema for OpenAPI, with the schemas of inner types in their places."""
        [schema], inner = msgspec.json.schema_components((cls,))
        whole: dict[str, Any] = _inlined(schema, inner)
        return whole

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        return msgspec.convert(fields, cls)


def _of_pydantic(value: object) -> object:
    """Return the plain form of a pydantic model, which ``parsed`` may be."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"JSON cannot carry a {type(value).__name__}")
    return dump(mode="json")


def _inlined(schema: Any, inner: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(inner[schema["$ref"].rpartition("/")[2]], inner)
        return {name: _inlined(each, inner) for name, each in schema.items()}
    return [_inlined(each, inner) for each in schema] if isinstance(schema, list) else schema


def _dumped(value: Any, *, without_none: bool) -> Any:
    if isinstance(value, msgspec.Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {
            name: _dumped(inner, without_none=without_none)
            for name, inner in value.items()
            if inner is not UNSET and not (without_none and inner is None)
        }
    if isinstance(value, list):
        return [_dumped(inner, without_none=without_none) for inner in value]
    return value
