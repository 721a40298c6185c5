"""Known refusals of each vendor, as data with their sources, held against every request that a test makes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from validators import anthropic, bedrock, google, ollama, openai_chat, openai_responses

Body = Mapping[str, Any]

VALIDATORS: Mapping[str, Callable[[str, Body], Iterable[str]]] = {
    "/chat/completions": openai_chat.refusals,
    "/responses": openai_responses.refusals,
    "/v1/messages": anthropic.refusals,
    ":generateContent": google.refusals,
    ":streamGenerateContent": google.refusals,
    "/api/chat": ollama.refusals,
    "/converse": bedrock.refusals,
    "/converse-stream": bedrock.refusals,
}


def refusals(path: str, body: Body, *, given: Iterable[str] = ()) -> list[str]:
    """Return the reasons for which the vendor would answer with 400; empty where none is known.

    Args:
        path: where it is sent; only its end counts, and a query does not.
        body: what is sent.
        given: fields that the user wrote into the body, who then answers for them.
    """
    where = path.partition("?")[0]
    validate = next((each for end, each in VALIDATORS.items() if where.endswith(end)), None)
    if validate is None:
        return []
    kept = {name: value for name, value in body.items() if name not in set(given)}
    return list(validate(where, kept))
