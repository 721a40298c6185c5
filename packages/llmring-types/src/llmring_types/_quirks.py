"""Deviations of a host from the protocol that it speaks, as data that the adapters obey."""

from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = ["Quirks"]


class Quirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Deviations of one host. Every default is the form that the vendor of the protocol documents.

    The first fields change the request, with a warning where something asked for is lost. Those from ``reasoning`` on
    say where the answer has things. The decoders read the places that are in common use whichever host it is; a place
    of one's own is read only where it is named here.

    Attributes:
        key_header: the header of the key over Anthropic's protocol; ``authorization`` has it as a bearer token.
        chat_path: where it takes chat completions, below its base URL.
        token_limit: the name of the limit on output tokens; ``None`` leaves it to the model, as OpenAI does.
        stream_options: takes ``stream_options``; without it, the usage of a stream comes by itself or not at all.
        strict: takes ``strict`` in functions and in answer formats.
        required_word: the ``tool_choice`` that demands a call of any function; ``None`` where none does.
        named_choice: takes the name of one function as ``tool_choice``.
        parallel_calls: takes ``parallel_tool_calls``.
        call_ids: the form of ids of tool calls; ``nine`` is nine letters or digits.
        alternating: refuses two messages in a row of the user, or of the assistant.
        answered_results: refuses a message of the user that follows the results of tools without an answer between.
        begun_answer: the field that marks a last message of the assistant as the beginning of the answer.
        speakers: takes ``name`` in messages.
        text_only: roles whose content must be a text, not a list of parts.
        formats: the types of ``response_format`` that it takes besides ``text``.
        refused: parameters that it refuses or ignores, by their names in the request body.
        renamed: parameters that it has under another name.
        most_stops: the largest number of stop sequences; ``None`` for no limit.
        replays_reasoning: the reasoning of earlier answers goes back ``never``, ``always``, or in conversations with
            ``tools``; ``None`` leaves it to the model.
        reasoning: the field of a message that has the model's reasoning; ``parts`` are blocks in its content.
        stream_usage: the place of a stream's usage: ``last`` is a last chunk without choices, ``choice`` is in a
            choice, ``finish`` is the chunk with the reason for the end, ``x_groq`` is that object, ``none`` is nowhere.
        cached_tokens: the field of the usage that counts cache reads, with dots between levels.
        cost: the field of the usage that states the price of the call, with dots between levels; a ``cost`` beside the
            usage counts as one of its fields.
        cost_unit: the unit of that price, in US dollars.
        error: the form of an error body: ``object`` is OpenAI's, ``text`` has a text under ``error``, ``list`` is a
            list around the object, ``flat`` has the message at the top, ``detail`` has it under ``detail``,
            ``base_resp`` is MiniMax's.
        error_in_success: reports errors with the status 200.
        wait_headers: headers, besides ``retry-after``, that say how long a rate limit lasts.
        limit_headers: headers that state rate limits, by what they limit, with ``{}`` for limit, remaining and reset.
        limit_periods: seconds that such a limit is for, where that is not a minute.
        listed_prices: the tokens that the prices in its list of models are for: one ``token``, or a ``million``.
        pages: the vendor's page for each of these, by the name of the field.
    """

    key_header: Literal["x-api-key", "authorization"] = "x-api-key"
    chat_path: str = "/chat/completions"
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = None
    stream_options: bool = True
    strict: bool = True
    required_word: Literal["required", "any"] | None = "required"
    named_choice: bool = True
    parallel_calls: bool = True
    call_ids: Literal["any", "nine"] = "any"
    alternating: bool = False
    answered_results: bool = False
    begun_answer: str | None = None
    speakers: bool = True
    text_only: tuple[Literal["system", "user", "assistant", "tool"], ...] = ()
    formats: tuple[Literal["json_object", "json_schema"], ...] = ("json_object", "json_schema")
    refused: tuple[str, ...] = ()
    renamed: Mapping[str, str] = {}
    most_stops: int | None = None
    replays_reasoning: Literal["never", "tools", "always"] | None = None
    reasoning: Literal["reasoning_content", "reasoning", "parts"] | None = None
    stream_usage: Literal["last", "choice", "finish", "x_groq", "none"] = "last"
    cached_tokens: str = "prompt_tokens_details.cached_tokens"
    cost: str | None = None
    cost_unit: float = 1
    error: Literal["object", "text", "list", "flat", "detail", "base_resp"] = "object"
    error_in_success: bool = False
    wait_headers: tuple[str, ...] = ()
    limit_headers: Mapping[Literal["requests", "tokens", "input_tokens", "output_tokens"], str] = {}
    limit_periods: Mapping[Literal["requests", "tokens", "input_tokens", "output_tokens"], float] = {}
    listed_prices: Literal["token", "million"] | None = None
    pages: Mapping[str, str] = {}
