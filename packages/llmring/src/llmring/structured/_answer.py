"""Structured output: the request's form before a call, and the reading of its answer."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import StructuredOutputError, ValidationError

from llmring.structured._reading import MismatchError, read_container, schema_reader, value_reader
from llmring.structured._types import describe
from llmring.structured._wrapped import read_within, unfenced

_FINAL = (None, "stop", "length")
"""Only an answer that ends like this is meant to be the JSON: not calls, a refusal, an error or a pause."""
_KINDS = ("json_schema", "json_object", "json", "text")


class Expectation(NamedTuple):
    """The form that an answer must have.

    Attributes:
        strict: an answer that breaks it is an error; else it is a warning.
        read: text to the value of ``parsed``; raises ``MismatchError``.
        validates: it validates by a schema, which takes far longer than reading; ``uniqueItems`` even quadratic time.
    """

    strict: bool
    read: Callable[[str], Any]
    validates: bool = False


def prepare(request: LLMRequest) -> tuple[LLMRequest, Expectation | None]:
    """Return the request as adapters take it, and what its answer is to be, if JSON.

    Afterwards ``response_format`` is ``None`` or a dict, ``json_schema`` always in the form
    ``{"type": "json_schema", "json_schema": {"name": …, "schema": …, …}}``. The given request is never changed; it is
    returned itself where there is nothing to change.

    Raises:
        ValidationError: ``response_format`` is neither a dict nor a type, or a dict without a usable schema.
    """
    wanted = request.response_format
    if wanted is None:
        return request, Expectation(strict=False, read=read_container) if request.json_response else None
    if not isinstance(wanted, Mapping):
        return _typed(request, wanted)
    kind = wanted.get("type")
    if kind == "json_schema":
        return _schema(request, wanted)
    if kind in ("json_object", "json"):
        return request, Expectation(strict=wanted.get("strict") is True, read=read_container)
    if not isinstance(kind, str) or kind in ("object", "array"):
        raise _invalid(
            'is not a known form of answer; wrap a schema as {"type": "json_schema", "json_schema": {"schema": …}}'
        )
    if kind not in _KINDS:
        _check_kind(kind)
    return request, None


def finish(response: LLMResponse, expectation: Expectation | None) -> None:
    """Set ``parsed``, or say why there is none.

    Tool calls, refusals and filtered answers are left alone: they are not the JSON that was asked for, and no failure
    of it. The JSON may stand in one Markdown code fence, which models add out of habit, or, with a warning, behind a
    ``<think>`` block, within a sentence, more than once, or with raw line breaks in its strings; ``content`` stays as
    it came. An answer that was cut by the token limit is read as it is, and the error or warning says that it was cut.

    Raises:
        StructuredOutputError: strict, and the answer is not JSON or breaks the schema. ``raw_text`` is the answer,
            ``details["path"]`` the place (``$.items[0].price``) and ``details["expected"]`` what was expected there.
    """
    if expectation is None or response.tool_calls or response.refusal is not None:
        return
    if response.finish_reason not in _FINAL:
        return
    try:
        response.parsed = _read(response, expectation)
    except MismatchError as mismatch:
        problem = f"the answer {mismatch}"
        if response.finish_reason == "length":
            problem = f"the answer was cut by the token limit (raise max_tokens): it {mismatch}"
        if not expectation.strict:
            response.parsed = mismatch.found[0] if mismatch.found else None
            response.warnings.append(
                f"parsed {'is not as asked' if mismatch.found else 'is empty'}: {problem}"
            )
            return
        provider, _, model = response.model.partition(":")
        raise StructuredOutputError(
            problem,
            raw_text=response.content,
            response=response,
            provider=provider,
            model=model,
            details={"path": mismatch.path, "expected": mismatch.expected},
            original=mismatch.__cause__,
        ) from mismatch.__cause__


def _read(response: LLMResponse, expectation: Expectation) -> Any:
    text = unfenced(response.content)
    try:
        return expectation.read(text)
    except MismatchError as mismatch:
        if not mismatch.is_syntax or response.finish_reason == "length":
            raise
        value, warning = read_within(text, expectation.read, mismatch)
    response.warnings.append(warning)
    return value


def _check_kind(kind: str) -> None:
    """Refuse a misspelt kind; any other may be a form of the provider's own."""
    from llmring_lockfile import did_you_mean, nearest  # noqa: PLC0415 - hardly anybody gets here

    near = nearest(kind, _KINDS, most=1, likeness=0.8)
    if near:
        raise _invalid(f"has no type {kind!r}{did_you_mean(near)}")


def _typed(request: LLMRequest, wanted: Any) -> tuple[LLMRequest, Expectation]:
    if isinstance(wanted, str):
        raise _invalid(
            f'must be a dict or a type, not the text {wanted!r:.80}: {{"type": "json_object"}}, say'
        )
    try:
        typed = describe(wanted)
    except (TypeError, NameError) as error:
        raise _invalid(f"must be a dict or a type that JSON can carry: {error}") from error
    form = {
        "name": typed.name,
        "schema": typed.schema,
        "strict": True,
    }  # where it cannot be, the provider says so
    return _with_format(request, form), Expectation(strict=True, read=typed.read, validates=typed.validates)


def _schema(request: LLMRequest, wanted: Mapping[str, Any]) -> tuple[LLMRequest, Expectation]:
    """The schema stands under ``json_schema``, or, as some write it, beside ``type``; ``strict`` in either place."""
    nested = wanted.get("json_schema")
    form = dict(nested) if isinstance(nested, Mapping) else {k: v for k, v in wanted.items() if k != "type"}
    schema = form.get("schema")
    if not isinstance(schema, Mapping) or not schema:
        raise _invalid('of type json_schema needs a schema: {"json_schema": {"name": …, "schema": {…}}}')
    form.setdefault("name", "response")
    if "strict" in wanted:
        form.setdefault("strict", wanted["strict"])
    strict = form.get("strict") is True
    return (
        request if form == nested else _with_format(request, form),
        Expectation(strict, (schema_reader if strict else value_reader)(schema), validates=True),
    )


def _with_format(request: LLMRequest, form: Mapping[str, Any]) -> LLMRequest:
    changed = copy.copy(request)
    changed.response_format = {"type": "json_schema", "json_schema": form}
    return changed


def _invalid(problem: str) -> ValidationError:
    return ValidationError(f"response_format {problem}", field="response_format")
