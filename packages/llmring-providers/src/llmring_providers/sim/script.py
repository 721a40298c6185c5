"""The script of a simulated model: what it answers to whom, and what goes wrong."""

import tomllib
from fnmatch import fnmatchcase
from typing import Any, Self

import msgspec
from llmring_types import FinishReason
from llmring_types.exceptions import ValidationError
from msgspec import UNSET, UnsetType

from llmring_providers.sim.faults import Fault
from llmring_providers.sim.prompt import Prompt


class Tokens(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Token counts to report, with the keys and the meaning of :class:`llmring_types.Usage`.

    ``None`` counts what was asked and said (simulated: four bytes of text are one token).
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    reasoning_tokens: int | None = None


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call.

    Attributes:
        arguments: an object, or text that is sent as it is by protocols that carry text (so it may be broken JSON).
        id: ``None`` makes one as the provider would.
    """

    name: str
    arguments: dict[str, Any] | str = msgspec.field(default_factory=dict)
    id: str | None = None

    @property
    def arguments_text(self) -> str:
        """The arguments as JSON text."""
        return (
            self.arguments
            if isinstance(self.arguments, str)
            else msgspec.json.encode(self.arguments).decode()
        )

    @property
    def arguments_object(self) -> dict[str, Any]:
        """The arguments as an object; text that is not one stands under ``arguments``."""
        if isinstance(self.arguments, dict):
            return self.arguments
        try:
            return msgspec.json.decode(self.arguments, type=dict[str, Any])
        except msgspec.DecodeError:
            return {"arguments": self.arguments}


class Answer(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A scripted answer. With neither text nor json nor tool calls, the demo model answers.

    Attributes:
        text: sent as written, whatever limits the request sets.
        json: sent as JSON text.
        reasoning: comes before the text.
        tool_calls: come after the text.
        finish: ``None`` means ``tool_calls`` where there are some, else ``stop``.
        stop_word: the stop word that ended the text, for protocols that tell it.
        usage: token counts to report.
        latency: seconds before the first byte.
        chunk_size: characters of text in one event of a stream.
        pace: seconds between two events of a stream.
    """

    text: str | None = None
    json: Any | UnsetType = UNSET
    reasoning: str = ""
    tool_calls: tuple[Call, ...] = ()
    finish: FinishReason | None = None
    stop_word: str | None = None
    usage: Tokens = Tokens()
    latency: float = 0.0
    chunk_size: int = 16
    pace: float = 0.0


class Rule(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A condition, met when all parts given are met, and its effect.

    Calls are numbered for each protocol and model, from 1 and again from 1 with another script.

    Attributes:
        model: the model's name, with ``*`` and ``?`` as in file names.
        protocol: ``openai``, ``responses``, ``anthropic``, ``google`` or ``ollama``.
        contains: text within the last user message, in any case.
        after_tool: whether the last message is a tool's result.
        stream: whether a stream is asked for.
        call: the number of the call.
        every: with it, ``call`` (by default the same number) and every so many calls after that.
        until: the number of the last call that it may apply to.
        answer: what is said; ``None`` leaves it to the demo model.
        fault: what goes wrong with it.
    """

    model: str | None = None
    protocol: str | None = None
    contains: str | None = None
    after_tool: bool | None = None
    stream: bool | None = None
    call: int | None = None
    every: int | None = None
    until: int | None = None
    answer: Answer | None = None
    fault: Fault | None = None

    def applies(self, prompt: Prompt, number: int) -> bool:
        """Return whether this rule is for the call of this number."""
        return (
            self._in_turn(number)
            and (self.model is None or fnmatchcase(prompt.model, self.model))
            and (self.protocol is None or prompt.protocol == self.protocol)
            and (self.stream is None or prompt.stream is self.stream)
            and (self.after_tool is None or bool(prompt.results) is self.after_tool)
            and (self.contains is None or self.contains.casefold() in prompt.question.casefold())
        )

    def _in_turn(self, number: int) -> bool:
        if self.until is not None and number > self.until:
            return False
        if self.every is not None:
            first = self.call or self.every
            return number >= first and (number - first) % self.every == 0
        return self.call is None or number == self.call


class BatchRule(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The course of a batch. Its requests are calls, to which the rules of the script apply.

    Batches are numbered from 1, and again from 1 with another script; requests and looks within a batch likewise.

    Attributes:
        until: the number of the last batch that it applies to.
        looks: how often it is still running when somebody looks at it.
        lost_create: the batch is made, and the connection is lost before the answer.
        lost_looks: the first so many looks at it fail with 503.
        refusal: why it is refused as a whole; its requests are not processed.
        is_queue_full: it is refused for what else is waiting.
        expired_every: every so many requests are not processed in time.
        lost_every: every so many results are missing.
        repeated_every: every so many results come twice.
        is_shuffled: results come in another order than requests.
        has_stray: results have one of a request that is not in the batch.
    """

    until: int | None = None
    looks: int = 0
    lost_create: bool = False
    lost_looks: int = 0
    refusal: str | None = None
    is_queue_full: bool = False
    expired_every: int | None = None
    lost_every: int | None = None
    repeated_every: int | None = None
    is_shuffled: bool = False
    has_stray: bool = False


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first rule that applies decides; where none does, the demo model answers.

    Attributes:
        rules: for calls.
        batches: for batches; without one that applies, a batch has ended at the first look, with every answer.
    """

    rules: tuple[Rule, ...] = ()
    batches: tuple[BatchRule, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """The models to list: those that rules name, and ``demo``."""
        named = [rule.model for rule in self.rules if rule.model and not set(rule.model) & set("*?[")]
        return tuple(dict.fromkeys([*named, "demo"]))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a script from TOML or JSON text: ``rules`` is a list of tables with the fields of :class:`Rule`.

        Raises:
            ValidationError: it is neither, or not of this shape; the text says where.
        """
        try:
            document = msgspec.json.decode(text) if text.lstrip()[:1] == "{" else tomllib.loads(text)
            return msgspec.convert(document, cls)
        except (msgspec.MsgspecError, tomllib.TOMLDecodeError) as error:
            raise ValidationError(f"the simulator's script is not valid: {error}", original=error) from error

    def rule(self, prompt: Prompt, number: int) -> Rule:
        """Return the rule that decides the call of this number."""
        return next((rule for rule in self.rules if rule.applies(prompt, number)), _DEMO)

    def batch_rule(self, number: int) -> BatchRule:
        """Return the rule that decides the batch of this number."""
        rules = (rule for rule in self.batches if rule.until is None or number <= rule.until)
        return next(rules, _PLAIN_BATCH)


_DEMO = Rule()
_PLAIN_BATCH = BatchRule()
