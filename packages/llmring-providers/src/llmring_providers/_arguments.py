"""The arguments of calls, and those of earlier ones for protocols that have an object where the neutral form has text.

A model may break off in the middle of the arguments, or write no JSON; the neutral form keeps what it wrote,
and the loop that feeds it back has to go on. Such text is wrapped into an object, as Anthropic tells its users
to do:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from llmring_providers._json import DECODE_ERRORS

_INVALID = "INVALID_JSON"
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def unquoted(arguments: Any) -> Any:
    """Return arguments that were encoded twice as the object that they are, anything else as it came.

    https://github.com/openclaw/openclaw/pull/40425
    """
    if not isinstance(arguments, str) or not arguments.startswith('"'):
        return arguments
    try:
        inner = msgspec.json.decode(arguments, type=str)
        _decode_object(inner)
    except (*DECODE_ERRORS, UnicodeEncodeError):
        return arguments
    return inner


def arguments_object(function: Mapping[str, Any], warnings: list[str]) -> Any:
    """Return the arguments as an object for the encoder; text that is one goes out as the model wrote it."""
    given = unquoted(function.get("arguments"))
    if not isinstance(given, str):
        return given or {}
    if not given or given.isspace():
        return {}
    try:
        _decode_object(given)
        return msgspec.Raw(given)
    except (*DECODE_ERRORS, UnicodeEncodeError):
        warning = f"the arguments of a call of {function.get('name')!r} are not a JSON object: they were sent as text inside one"
        if warning not in warnings:
            warnings.append(warning)
        return {_INVALID: given}


def arguments_text(function: Mapping[str, Any], warnings: list[str]) -> Any:
    """Return the arguments for a host that reads its text: an object, in the words of the model if it wrote one.

    OpenAI itself takes whatever it said: https://github.com/charmbracelet/crush/issues/3153
    """
    written = arguments_object(function, warnings)
    return bytes(written).decode() if isinstance(written, msgspec.Raw) else written
