"""The part of both rings for one-line questions: a text in, a text or an instance out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from llmring_types import LLMRequest, LLMResponse, Message, Parsed, ReasoningEffort
from llmring_types.exceptions import StructuredOutputError, ValidationError
from msgspec import UnsetType

from llmring._call import Call
from llmring._chat import Chat

if TYPE_CHECKING:
    from llmring._ring import LLMRing
    from llmring._sync import _Loop


class AskOptions(TypedDict, total=False):
    """The options of :meth:`LLMRing.ask`: fields of :class:`LLMRequest`, without its messages."""

    model: str | None
    temperature: float | None
    max_tokens: int | None
    reasoning_tokens: int | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | dict[str, Any] | None
    cache: dict[str, Any] | None
    metadata: dict[str, Any] | None
    json_response: bool | None
    timeout: float | UnsetType | None
    extra_params: dict[str, Any]
    reasoning_effort: ReasoningEffort | None
    max_response_bytes: int | UnsetType | None
    files: list[str] | None


class AsksQuestions:
    """Answers a text with a text, or with an instance of a type."""

    _chat: Chat

    @overload
    async def ask(
        self,
        prompt: str,
        *,
        response_format: type[Parsed],
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Parsed: ...

    @overload
    async def ask(
        self,
        prompt: str,
        *,
        response_format: dict[str, Any] | None = None,
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> str: ...

    @overload
    async def ask(
        self,
        prompt: str,
        *,
        response_format: object,
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Any: ...

    async def ask(
        self,
        prompt: str,
        *,
        response_format: Any = None,
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Any:
        """Ask a question and return the text of the answer: ``await ring.ask("Why is the sky blue?", model="fast")``.

        With a type, such as ``response_format=City``, the answer is an instance of it. The usage, the cost, the finish
        reason and tool calls are in the response of :meth:`chat`, which also takes conversations and pictures.

        Args:
            prompt: the message of the user.
            response_format: the form of the answer, as of :class:`LLMRequest`.
            profile: the lockfile's profile.
            options: the fields of :class:`LLMRequest` other than ``messages``.

        Raises:
            ValidationError: the prompt is no text, or there is no option of this name (also a ``ValueError``).
            StructuredOutputError: the answer is no instance of the type; a refusal, say.
            LLMRingError: as from :meth:`chat`.
        """
        if not isinstance(prompt, str):
            raise ValidationError(
                f"ask takes one text; got {type(prompt).__name__}. Send messages with"
                " ring.chat(LLMRequest(messages, model=…))",
                field="prompt",
            )
        unknown = options.keys() - AskOptions.__annotations__.keys()
        if unknown:
            known = ", ".join((*AskOptions.__annotations__, "response_format"))
            raise ValidationError(
                f"ask has no option {', '.join(sorted(unknown))}; it has {known}", field=min(unknown)
            )
        request = LLMRequest(
            [Message(role="user", content=prompt)], response_format=response_format, **options
        )
        response = await Call(self._chat, request, profile, streamed=False).answer()
        if response_format is None or isinstance(response_format, Mapping):
            return response.content
        return _instance(response)


def _instance(response: LLMResponse[Parsed]) -> Parsed:
    """Return what was read; an answer that is none, a refusal or a tool call, was not read."""
    if response.parsed is None and (problem := _no_answer(response)) is not None:
        provider, _, model = response.model.partition(":")
        raise StructuredOutputError(
            f"the model gave no answer: {problem}",
            raw_text=response.content,
            response=response,
            provider=provider,
            model=model,
        )
    return response.parsed


def _no_answer(response: LLMResponse) -> str | None:
    if response.refusal is not None:
        return f"it refused: {response.refusal}"
    if response.tool_calls:
        return "it calls tools; ring.run runs them"
    if response.finish_reason not in ("stop", "length", None):
        return f"it ended with {response.finish_reason}"
    return None


class AsksQuestionsSync:
    """Answers a text with a text, or with an instance of a type, without ``await``."""

    _ring: "LLMRing"
    _loop: "_Loop"

    @overload
    def ask(
        self,
        prompt: str,
        *,
        response_format: type[Parsed],
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Parsed: ...

    @overload
    def ask(
        self,
        prompt: str,
        *,
        response_format: dict[str, Any] | None = None,
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> str: ...

    @overload
    def ask(
        self,
        prompt: str,
        *,
        response_format: object,
        profile: str | None = None,
        **options: Unpack[AskOptions],
    ) -> Any: ...

    def ask(self, prompt: str, *, response_format: Any = None, **options: Any) -> Any:
        """As :meth:`LLMRing.ask`."""
        return self._loop.run(lambda: self._ring.ask(prompt, response_format=response_format, **options))
