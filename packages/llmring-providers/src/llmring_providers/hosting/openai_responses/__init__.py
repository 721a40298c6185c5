"""OpenAI's responses API: https://platform.openai.com/docs/api-reference/responses"""

from llmring_providers.hosting.codec import Endpoint, ProtocolCodec
from llmring_providers.hosting.openai_errors import COUNTED, error_answer, models
from llmring_providers.hosting.openai_responses.items import VENDOR
from llmring_providers.hosting.openai_responses.request import read
from llmring_providers.hosting.openai_responses.response import whole
from llmring_providers.hosting.openai_responses.stream import ResponsesStreamWriter

OPENAI_RESPONSES = ProtocolCodec(
    "openai_responses",
    VENDOR,
    (
        Endpoint("POST", "/responses", "chat"),
        Endpoint("POST", "/responses/input_tokens", "count_tokens"),
    ),
    read=read,
    write=whole,
    stream_writer=ResponsesStreamWriter,
    error=error_answer,
    models=models,
    counted=COUNTED,
)
