"""OpenAI's two protocols: chat completions and the responses API.

https://platform.openai.com/docs/api-reference/chat
https://platform.openai.com/docs/api-reference/responses
"""

from llmring_providers.hosting.codec import Endpoint, ProtocolCodec
from llmring_providers.hosting.openai import (
    chat_request,
    chat_response,
    responses_items,
    responses_request,
    responses_response,
    responses_stream,
)
from llmring_providers.hosting.openai.errors import COUNTED, error_answer, models

OPENAI_CHAT = ProtocolCodec(
    "openai_chat",
    chat_request.VENDOR,
    (
        Endpoint("POST", "/chat/completions", "chat"),
        Endpoint("POST", "/embeddings", "embeddings"),
        Endpoint("GET", "/models", "models"),
    ),
    read=chat_request.read,
    write=chat_response.whole,
    stream_writer=chat_response.ChatStreamWriter,
    error=error_answer,
    models=models,
    counted=COUNTED,
)

OPENAI_RESPONSES = ProtocolCodec(
    "openai_responses",
    responses_items.VENDOR,
    (
        Endpoint("POST", "/responses", "chat"),
        Endpoint("POST", "/responses/input_tokens", "count_tokens"),
    ),
    read=responses_request.read,
    write=responses_response.whole,
    stream_writer=responses_stream.ResponsesStreamWriter,
    error=error_answer,
    models=models,
    counted=COUNTED,
)
