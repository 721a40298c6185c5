"""The part of the ring for one-line questions: text in, text out."""

from typing import Any, TypedDict, Unpack

from llmring_types import LLMRequest, Message, ReasoningEffort
from llmring_types.exceptions import ValidationError
from msgspec import UnsetType

from llmring._call import Call
from llmring._chat import Chat


class AskOptions(TypedDict, total=False):
    """The options of :meth:`LLMRing.ask`: the fields of :class:`LLMRequest` without its messages."""

    model: str | None
    temperature: float | None
    max_tokens: int | None
    reasoning_tokens: int | None
    response_format: Any
    tools: list[dict[str, Any]] | None
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
    """Answers a text with a text."""

    _chat: Chat

    async def ask(self, prompt: str, *, profile: str | None = None, **options: Unpack[AskOptions]) -> str:
        """Ask a question and return the text of the answer: ``await ring.ask("Why is the sky blue?", model="fast")``.

        The usage, the cost, the finish reason and tool calls are in the response of :meth:`chat`, which also takes
        conversations and pictures.

        Args:
            prompt: the message of the user.
            profile: the lockfile's profile.
            options: the fields of :class:`LLMRequest` other than ``messages``.

        Raises:
            ValidationError: the prompt is no text, or there is no option of this name (also a ``ValueError``).
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
            raise ValidationError(
                f"ask has no option {', '.join(sorted(unknown))}; it has {', '.join(AskOptions.__annotations__)}",
                field=min(unknown),
            )
        request = LLMRequest([Message(role="user", content=prompt)], **options)
        return (await Call(self._chat, request, profile, streamed=False).answer()).content
