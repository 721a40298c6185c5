"""One tool: its name, what it is for, what it takes, and what it does."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from llmring_types.exceptions import LLMRingError, ValidationError

A = TypeVar("A", bound=msgspec.Struct)


class Tool(Generic[A]):
    """A function for a model.

    Args:
        name: as the model calls it.
        description: for the model.
        arguments: a struct; its fields and their descriptions become the schema.
        run: does the work and returns something for JSON.
        writes: whether it changes the lockfile on disk, so that a person has to agree.
    """

    def __init__(
        self,
        name: str,
        description: str,
        arguments: type[A],
        run: Callable[[A], Any],
        *,
        writes: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.writes = writes
        self._arguments = arguments
        self._run = run

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        schema = msgspec.json.schema(self._arguments)
        (_, root), *more = schema["$defs"].items()
        if more:
            raise TypeError(f"the arguments of {self.name} must be flat")
        return {key: value for key, value in root.items() if key != "title"}

    def call(self, arguments: object) -> Any:
        """Do it.

        Raises:
            LLMRingError: the arguments are wrong, or it cannot be done.
        """
        try:
            decoded = msgspec.convert(arguments, self._arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ValidationError(f"wrong arguments for {self.name}: {error}") from error
        try:
            return self._run(decoded)
        except LLMRingError:
            raise
        except ValueError as error:
            raise ValidationError(f"{self.name}: {error}") from error
