"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat"""

from llmring_providers.hosting.codec import Endpoint, ProtocolCodec
from llmring_providers.hosting.openai_chat.request import VENDOR, read
from llmring_providers.hosting.openai_chat.response import ChatStreamWriter, whole
from llmring_providers.hosting.openai_errors import COUNTED, error_answer, models

OPENAI_CHAT = ProtocolCodec(
    "openai_chat",
    VENDOR,
    (
        Endpoint("POST", "/chat/completions", "chat"),
        Endpoint("POST", "/embeddings", "embeddings"),
        Endpoint("GET", "/models", "models"),
    ),
    read=read,
    write=whole,
    stream_writer=ChatStreamWriter,
    error=error_answer,
    models=models,
    counted=COUNTED,
)
