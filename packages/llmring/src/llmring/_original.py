"""Methods of the ring of llmring 1 that have a shorter form now; docs/migrate-from-1.4.md names it."""

from collections.abc import Sequence
from typing import Any, Literal, overload

from llmring_types import LLMRequest, LLMResponse, Message, ModelFacts, ModelRef

from llmring._aliases import Aliases
from llmring._call import Call
from llmring._chat import Chat
from llmring._stream import ChatStream


class OriginalMethods:
    """Methods that code for llmring 1 calls."""

    _chat: Chat
    _aliases: Aliases

    @overload
    async def chat_with_alias(
        self,
        alias_or_model: str,
        messages: Sequence[Message],
        temperature: float | None = None,
        max_tokens: int | None = None,
        profile: str | None = None,
        *,
        stream: Literal[False] = False,
        **fields: Any,
    ) -> LLMResponse: ...

    @overload
    async def chat_with_alias(
        self,
        alias_or_model: str,
        messages: Sequence[Message],
        temperature: float | None = None,
        max_tokens: int | None = None,
        profile: str | None = None,
        *,
        stream: Literal[True],
        **fields: Any,
    ) -> ChatStream: ...

    async def chat_with_alias(
        self,
        alias_or_model: str,
        messages: Sequence[Message],
        temperature: float | None = None,
        max_tokens: int | None = None,
        profile: str | None = None,
        *,
        stream: bool = False,
        **fields: Any,
    ) -> LLMResponse | ChatStream:
        """Send messages: as :meth:`LLMRing.chat` with an :class:`LLMRequest`, which is the way to write new code.

        Returns:
            The answer, or with ``stream=True`` the stream to iterate over.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``), also before a stream is read.
            LLMRingError: as from :meth:`LLMRing.chat`.
        """
        request = LLMRequest(
            messages=list(messages),
            model=alias_or_model,
            temperature=temperature,
            max_tokens=max_tokens,
            **fields,
        )
        self._aliases.resolve(alias_or_model, profile)
        call = Call(self._chat, request, profile, streamed=stream)
        return ChatStream(call) if stream else await call.answer()

    async def get_model_info(self, alias_or_model: str, profile: str | None = None) -> dict[str, Any]:
        """Return ``provider``, ``model``, ``supported`` and ``is_default`` of a model; :meth:`facts` says more.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
        """
        return _info(self._aliases.resolve(alias_or_model, profile).models[0])

    async def get_enhanced_model_info(
        self, alias_or_model: str, profile: str | None = None
    ) -> dict[str, Any]:
        """Return :meth:`get_model_info` with what the registry says of the model; :meth:`facts` has it typed.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
        """
        ref = self._aliases.resolve(alias_or_model, profile).models[0]
        facts = self._chat.accounting.facts(ref)
        return _info(ref) if facts is None else {**_info(ref), **_enhanced(facts)}

    async def get_model_from_registry(self, provider: str, model_name: str) -> ModelFacts | None:
        """Return what the registry knows of a model, by its name or another of its names; nothing is fetched."""
        return self._chat.accounting.facts(ModelRef(provider, model_name))


def _info(ref: ModelRef) -> dict[str, Any]:
    return {"provider": ref.provider, "model": ref.model, "supported": True, "is_default": False}


def _enhanced(facts: ModelFacts) -> dict[str, Any]:
    prices = facts.prices
    return {
        "display_name": facts.display_name,
        "description": facts.description,
        "max_input_tokens": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
        "supports_vision": facts.vision,
        "supports_function_calling": facts.tools,
        "supports_json_mode": facts.json_mode,
        "supports_parallel_tool_calls": facts.parallel_tool_calls,
        "dollars_per_million_tokens_input": prices.input,
        "dollars_per_million_tokens_output": prices.output,
        "is_active": facts.active,
    }
