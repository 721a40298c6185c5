"""Requests from the rows of a table: prompts as templates, and answers as plain values."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from llmring_types import LLMRequest, Message
from llmring_types.exceptions import MissingSDKError, ValidationError

_PLACE = re.compile(r"\{([^{}\n\"':]+)\}")


class Template:
    """A text with columns of the row in braces, ``{question}``; with ``{{`` or ``{%`` it is a template of Jinja.

    Other braces stay as they are. Jinja runs in its sandbox: https://jinja.palletsprojects.com/en/stable/sandbox/

    Args:
        text: the template.

    Raises:
        ValidationError: it has a mistake of Jinja's syntax (also a ``ValueError``).
        MissingSDKError: it needs Jinja, which is not installed.
    """

    def __init__(self, text: str) -> None:
        self._render: Callable[[Mapping[str, Any]], str]
        if self.needs_jinja(text):
            self._render = _jinja(text)
        else:
            self._render = lambda values: _PLACE.sub(lambda found: _text(values, found[1].strip()), text)

    @staticmethod
    def needs_jinja(text: str) -> bool:
        """Return whether a text is a template of Jinja."""
        return "{{" in text or "{%" in text

    @staticmethod
    def columns(text: str) -> list[str]:
        """Return the columns that a text names in braces, in its order; those of Jinja's expressions are not found."""
        return [] if Template.needs_jinja(text) else [name.strip() for name in _PLACE.findall(text)]

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text for a row.

        Raises:
            ValidationError: the row lacks a column, or an expression fails (also a ``ValueError``).
        """
        return self._render(values)


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        raise ValidationError(f"there is no column {name!r}; there are {', '.join(values)}", field="prompt")
    value = values[name]
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()  # a date has no quotes


def _jinja(text: str) -> Callable[[Mapping[str, Any]], str]:
    try:
        from jinja2 import StrictUndefined, TemplateError  # noqa: PLC0415 - an extra
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingSDKError(
            "a prompt with {{ }} or {% %} needs Jinja: pip install 'llmring-cli[bulk]'", original=error
        ) from error
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        template = environment.from_string(text)
    except TemplateError as error:
        raise ValidationError(f"the prompt is not a template of Jinja: {error}", field="prompt") from error

    def render(values: Mapping[str, Any]) -> str:
        try:
            return template.render(values)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ValidationError(f"the prompt cannot be rendered: {error}", field="prompt") from error

    return render


class RequestTemplate:
    """Makes the requests of a table's rows: ``RequestTemplate("Where is {city}?", model="guide").request(row)``.

    Args:
        prompt: the template of the user's message; without it rows bring a list of ``messages``.
        system: the template of the instructions.
        fields: the other fields of every request.

    Raises:
        ValidationError: a template has a mistake of syntax (also a ``ValueError``).
        MissingSDKError: a template needs Jinja, which is not installed.
    """

    def __init__(self, prompt: str | None = None, *, system: str | None = None, **fields: Any) -> None:
        self._prompt = None if prompt is None else Template(prompt)
        self._system = None if system is None else Template(system)
        self._fields = fields

    def request(self, values: Mapping[str, Any]) -> LLMRequest:
        """Return the request of a row.

        Raises:
            ValidationError: the row lacks a column, or its ``messages`` or a field are malformed.
        """
        messages: list[Message] = []
        if self._system is not None:
            messages.append(Message(role="system", content=self._system.render(values)))
        if self._prompt is not None:
            messages.append(Message(role="user", content=self._prompt.render(values)))
        else:
            messages += _messages(values.get("messages"))
        return LLMRequest(messages, **self._fields)


def _messages(found: Any) -> list[Message]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValidationError("has no messages: give a prompt, or a column of them", field="messages")
    try:
        return [Message(**each) for each in found]
    except TypeError as error:
        raise ValidationError(f"has a malformed message: {error}", field="messages") from error


def parsed_values(parsed: Any) -> Any:
    """Return ``response.parsed`` as plain values: dicts, lists, strings, numbers, booleans and ``None``."""
    return msgspec.to_builtins(parsed, enc_hook=_plain, str_keys=True)


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)  # a model of pydantic
    return dump(mode="json") if callable(dump) else str(value)
