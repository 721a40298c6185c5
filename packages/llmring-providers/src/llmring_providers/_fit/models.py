"""Parameters that each family of models takes, and the output that a request allows one.

The former are rows of ``data/models.json``, each with the vendor's page. A row holds for the models whose name its
pattern finds and whose version lies within its bounds. Each fact is taken from the first row that states it. Models
that no row knows take every parameter. Output bounds are read from the body: whatever put them there (``max_tokens``,
room for reasoning, ``extra_params``), what is sent is what can be billed.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, Literal

import msgspec

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Every effort that can be asked for, least first."""
_FILE = Path(__file__).parents[1] / "data" / "models.json"
_NEWEST = (99, 0)
_Version = tuple[int, int]


class ModelRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters that a model takes; ``None`` where unknown.

    Attributes:
        family: it is of a line that came with reasoning, even if it does not reason itself.
        reasons: it can reason.
        efforts: levels of effort, least first; none where it takes no level.
        unasked: the effort without one being asked for.
        reserves: ``when_asked``: without an effort it spends next to nothing on reasoning.
        sampling: when it takes temperature, ``top_p`` and the like.
        functions_on_chat: when chat completions take functions; the responses API always does.
        answers: the strongest form of JSON answers.
        api: the only endpoint that serves it.
        budget: it takes a budget of thinking tokens.
        budgets: the least and the largest budget.
        hides_thinking: it leaves the text of its thinking out unless asked for it.
        thinking_off: how thinking is turned off: ``unasked`` thinks only on request, ``never`` always thinks.
        system_turns: it takes system messages among the turns.
        combines_tools: functions go together with JSON answers, hosted tools and media in results.
        checks_signatures: a function call of the history without a thought signature is refused.
        fetches_urls: it reads files from public URLs.
        forced_tools: a choice of tools may force a call.
        prefill: it continues an answer that the conversation has begun.
        either_sampler: it takes ``temperature`` or ``top_p``, not both.
        stop: it takes stop sequences.
        verbosities: the levels of verbosity that it takes.
        retentions: how long it can keep the cache of a prompt.
        penalties: it takes penalties for repetition.
        output_efforts: the levels of an effort that steers its answers, where it has no adaptive thinking.
        media: media types that it reads, some with ``*`` for the rest; none where it reads text alone.
        media_in: kinds of media that a message of a role other than the user's may carry.
        parallel_calls: it takes the parameter for several calls at once.
        reasoning_items: it may be sent its sealed reasoning of earlier turns, and asked for it.
        reasoning_back: answers whose reasoning goes back as text: those with ``calls``, ``all`` once there are tools,
            ``filled`` where it is wanted even if there was none.
        effort_form: the parameter of its own vendor that an effort becomes where a cloud only hands it on; a dot
            leads into an object.
        system: it takes a system prompt.
        functions: it takes functions.
        choices: the forms of a forced choice that it takes: ``any`` function, one ``tool`` by its name.
        strict: functions may be strict.
        call_ids: the form of ids of tool calls; ``nine`` is nine letters or digits.
        result_status: the result of a function may say that it failed.
        caches: marks in the prompt make it cache what is before them.
    """

    family: bool | None = None
    reasons: bool | None = None
    efforts: tuple[str, ...] | None = None
    unasked: str | None = None
    reserves: Literal["when_asked"] | None = None
    sampling: Literal["always", "without_reasoning", "never"] | None = None
    functions_on_chat: Literal["always", "without_reasoning", "never"] | None = None
    answers: Literal["json_schema", "json_object", "text"] | None = None
    api: str | None = None
    budget: bool | None = None
    budgets: tuple[int, int] | None = None
    hides_thinking: bool | None = None
    thinking_off: Literal["unasked", "disabled", "between_tools", "never"] | None = None
    system_turns: bool | None = None
    combines_tools: bool | None = None
    checks_signatures: bool | None = None
    fetches_urls: bool | None = None
    forced_tools: bool | None = None
    prefill: bool | None = None
    either_sampler: bool | None = None
    stop: bool | None = None
    verbosities: tuple[str, ...] | None = None
    retentions: tuple[str, ...] | None = None
    penalties: bool | None = None
    output_efforts: tuple[str, ...] | None = None
    media: tuple[str, ...] | None = None
    media_in: dict[str, tuple[str, ...]] | None = None
    parallel_calls: bool | None = None
    reasoning_items: bool | None = None
    reasoning_back: Literal["never", "calls", "all", "filled"] | None = None
    effort_form: str | None = None
    system: bool | None = None
    functions: bool | None = None
    choices: tuple[Literal["any", "tool"], ...] | None = None
    strict: bool | None = None
    call_ids: Literal["nine"] | None = None
    result_status: bool | None = None
    caches: bool | None = None


class _Row(ModelRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    models: str = ""
    since: _Version = (0, 0)
    before: _Version | None = None
    endpoint: str | None = None

    def holds_for(self, name: str, version: _Version | None, endpoint: str | None) -> bool:
        """Return whether it says something of a model at an endpoint."""
        if self.endpoint not in (None, endpoint) or re.search(self.models, name) is None:
            return False
        if version is None:
            return self.since == (0, 0) and self.before is None
        return self.since <= version and (self.before is None or version < self.before)


class _Vendor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rows: tuple[_Row, ...]
    version: str | None = None
    newest: bool = False
    """A name that says no version is of the newest model."""

    def version_of(self, name: str) -> _Version | None:
        """Read the version in a name."""
        found = re.search(self.version, name) if self.version is not None else None
        if found is None:
            return _NEWEST if self.newest else None
        return int(found[1]), int(found[2] or 0)


@lru_cache(1)
def vendors() -> dict[str, _Vendor]:
    """Read the table."""
    return msgspec.json.decode(_FILE.read_bytes(), type=dict[str, _Vendor])


@lru_cache(512)
def rules_of(vendor: str, model: str, endpoint: str | None = None) -> ModelRules:
    """Return what a model of a vendor takes.

    Args:
        vendor: ``openai``, ``anthropic``, ``google``, ``ollama`` or ``bedrock``.
        model: its name, without the prefix of a host.
        endpoint: ``chat`` or ``responses`` of OpenAI; without it, rows of one endpoint do not count.
    """
    table, known = vendors()[vendor], dict[str, Any]()
    name = model.lower()
    version = table.version_of(name)
    for row in table.rows:
        if row.holds_for(name, version, endpoint):
            for field in ModelRules.__struct_fields__:
                if (value := getattr(row, field)) is not None:
                    known.setdefault(field, value)
    return ModelRules(**known)


def nearest_effort(wanted: str, levels: Sequence[str]) -> str:
    """Return an effort that a model has: the wanted one, else the next below it, else its least.

    An unknown effort stays as it is, and so does any where there are no levels.
    """
    if not levels or wanted in levels or wanted not in EFFORTS:
        return wanted
    below = [level for level in EFFORTS[: EFFORTS.index(wanted)] if level in levels]
    return below[-1] if below else min(levels, key=EFFORTS.index)


def fitted_effort(wanted: str, levels: Sequence[str], model: object, warnings: list[str]) -> str:
    """Return :func:`nearest_effort`, with a warning where it differs from the wanted one."""
    found = nearest_effort(wanted, levels)
    if found != wanted:
        warnings.append(f"reasoning_effort {wanted!r} became {found!r}: {model} takes {', '.join(levels)}")
    return found


class _Body(msgspec.Struct):
    """The fields of all protocols side by side: no protocol has a name for something else.

    https://platform.openai.com/docs/api-reference/chat/create
    https://platform.openai.com/docs/api-reference/responses/create
    https://platform.claude.com/docs/en/api/messages
    https://ai.google.dev/api/generate-content#v1beta.GenerationConfig
    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html
    https://docs.ollama.com/modelfile#valid-parameters-and-values
    """

    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    n: Any = None
    generation: Any = msgspec.field(default=None, name="generationConfig")
    inference: Any = msgspec.field(default=None, name="inferenceConfig")
    options: Any = None


_decode = msgspec.json.Decoder(_Body).decode


def output_bounds(body: bytes) -> tuple[int | None, int]:
    """Return the most tokens that this request lets a model write in one answer, and the number of answers.

    Args:
        body: JSON of any protocol.
    """
    read = _decode(body)
    limits = [read.max_tokens, read.max_completion_tokens, read.max_output_tokens]
    numbers = [read.n]
    if isinstance(read.generation, dict):
        limits.append(read.generation.get("maxOutputTokens"))
        numbers.append(read.generation.get("candidateCount"))
    if isinstance(read.inference, dict):
        limits.append(read.inference.get("maxTokens"))
    if isinstance(read.options, dict):
        limits.append(read.options.get("num_predict"))
    answers, most = 1, 0
    for number in numbers:
        if number is not None:
            answers = max(answers, _count(number))
    for limit in limits:
        if limit is None:
            continue
        count = _count(limit)
        if not count:  # where one of them cannot be read, a lenient host may keep to any of them
            return None, answers
        most = max(most, count)
    return most or None, answers


def _count(value: object) -> int:
    """Return a number of 1 or more, 0 for anything else; many hosts take ``5.0`` and ``"5"`` for 5."""
    if type(value) is int:
        return max(value, 0)
    try:
        return max(ceil(float(value)), 0) if isinstance(value, float | str) else 0
    except (ValueError, OverflowError):  # no number, or none that is finite
        return 0
