"""The bounds of a request's output, read from its body.

Whatever put it there (``max_tokens``, room for reasoning, ``extra_params``), what is sent is what can be billed.
"""

from typing import Any, TypeVar

import msgspec

from llmring_providers._protocol import OutputBounds

_T = TypeVar("_T")


class _GenerationConfig(msgspec.Struct):
    """https://ai.google.dev/api/generate-content#v1beta.GenerationConfig"""

    max_output_tokens: Any = msgspec.field(default=None, name="maxOutputTokens")
    candidates: Any = msgspec.field(default=None, name="candidateCount")


class _Options(msgspec.Struct):
    """https://docs.ollama.com/modelfile#valid-parameters-and-values"""

    num_predict: Any = None


class _Body(msgspec.Struct):
    """The fields of all protocols side by side: no protocol has a name for something else.

    https://platform.openai.com/docs/api-reference/chat/create
    https://platform.openai.com/docs/api-reference/responses/create
    https://platform.claude.com/docs/en/api/messages
    """

    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    n: Any = None
    generation: Any = msgspec.field(default=None, name="generationConfig")
    options: Any = None


_decode = msgspec.json.Decoder(_Body).decode


def output_bounds(body: bytes) -> OutputBounds:
    """Return what this request lets a model write.

    Args:
        body: JSON of any protocol.
    """
    read = _decode(body)
    generation = _object(read.generation, _GenerationConfig)
    options = _object(read.options, _Options)
    limits = (
        read.max_tokens,
        read.max_completion_tokens,
        read.max_output_tokens,
        generation.max_output_tokens,
        options.num_predict,
    )
    return OutputBounds(
        limit=max(filter(_is_count, limits), default=None),
        answers=max(filter(_is_count, (read.n, generation.candidates)), default=1),
    )


def _object(value: object, kind: type[_T]) -> _T:
    return msgspec.convert(value if isinstance(value, dict) else {}, kind)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
