"""The bounds of a request's output, read from its body.

Whatever put it there (``max_tokens``, room for reasoning, ``extra_params``), what is sent is what can be billed.
"""

from math import ceil
from typing import Any, TypeVar

import msgspec

from llmring_providers._protocol import OutputBounds

_T = TypeVar("_T")


class _GenerationConfig(msgspec.Struct):
    """https://ai.google.dev/api/generate-content#v1beta.GenerationConfig"""

    max_output_tokens: Any = msgspec.field(default=None, name="maxOutputTokens")
    candidates: Any = msgspec.field(default=None, name="candidateCount")


class _InferenceConfig(msgspec.Struct):
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html"""

    max_tokens: Any = msgspec.field(default=None, name="maxTokens")


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
    inference: Any = msgspec.field(default=None, name="inferenceConfig")
    options: Any = None


_decode = msgspec.json.Decoder(_Body).decode


def output_bounds(body: bytes) -> OutputBounds:
    """Return what this request lets a model write.

    Args:
        body: JSON of any protocol.
    """
    read = _decode(body)
    generation = _object(read.generation, _GenerationConfig)
    inference = _object(read.inference, _InferenceConfig)
    options = _object(read.options, _Options)
    limits = (
        read.max_tokens,
        read.max_completion_tokens,
        read.max_output_tokens,
        generation.max_output_tokens,
        inference.max_tokens,
        options.num_predict,
    )
    counts = [_count(limit) for limit in limits if limit is not None]
    answers = [_count(number) for number in (read.n, generation.candidates)]
    return OutputBounds(
        # Where one of them cannot be read, nobody knows which of them a lenient host keeps to.
        limit=max(filter(None, counts), default=None) if all(counts) else None,
        answers=max(filter(None, answers), default=1),
    )


def _object(value: object, kind: type[_T]) -> _T:
    return msgspec.convert(value if isinstance(value, dict) else {}, kind)


def _count(value: object) -> int | None:
    """Return a number of 1 or more; many hosts take ``5.0`` and ``"5"`` for 5."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0
        return max(ceil(number), 0) or None
    except (ValueError, OverflowError):  # no number, or none that is finite
        return None
