"""Recorded requests in the neutral form, as a user of llmring would write them.

What the neutral form has a place for goes there, everything else goes into ``extra_params``. What an
assistant said in an earlier turn is read as an answer and turned into a message by ``to_message()``, with a
round trip through JSON: so the recorded conversations prove that signatures, encrypted reasoning and the like
travel back unchanged.
"""

import copy

from llmring_types import LLMRequest

from interop.ours import api_params
from interop.recordings import Recording
from interop.requests import anthropic, google, ollama, openai_chat, openai_responses

_READERS = {
    "openai chat": openai_chat.read,
    "openai responses": openai_responses.read,
    "anthropic": anthropic.read,
    "google": google.read,
    "ollama": ollama.read,
}


def neutral(recording: Recording) -> LLMRequest:
    """Return the recorded request in the neutral form."""
    request = _READERS[recording.protocol](copy.deepcopy(recording.request))
    request.model = f"{recording.provider}:{recording.model}"
    request.extra_params |= api_params(recording.protocol)
    return request
