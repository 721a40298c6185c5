"""Usage of raw SDK calls, reported to the usage server like that of a ring.

For what goes past llmring (``ring.get_provider("openai").client``, or an SDK of one's own)::

    @log_llm_call(server_url="http://localhost:9100", api_key="llmr_pk_…")
    async def summarize(text: str):
        return await client.chat.completions.create(model="gpt-4o-mini", messages=[…])

The function's result is never touched.
"""

from llmring.logging._decorators import log_llm_call, log_llm_stream
from llmring.logging._report import flush
from llmring.logging._sdk import detect_provider, normalize_response

__all__ = ["detect_provider", "flush", "log_llm_call", "log_llm_stream", "normalize_response"]
