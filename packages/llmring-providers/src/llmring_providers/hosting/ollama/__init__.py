"""Ollama's native endpoints: https://docs.ollama.com/api"""

from collections.abc import Sequence

import msgspec

from llmring_providers.hosting.answering import moment
from llmring_providers.hosting.codec import Endpoint, ProtocolCodec, Stamp
from llmring_providers.hosting.ollama.request import VENDOR, named_model, read
from llmring_providers.hosting.ollama.response import ChatStreamWriter, error_answer, shown, version, whole

__all__ = ["OLLAMA", "named_model", "shown", "version"]


def _models(names: Sequence[str], stamp: Stamp) -> bytes:
    """https://docs.ollama.com/api/tags"""
    details = {"format": "gguf", "family": "", "parameter_size": "", "quantization_level": ""}
    common = {"modified_at": moment(stamp.created), "size": 0, "digest": "0" * 64, "details": details}
    return msgspec.json.encode({"models": [{"name": name, "model": name, **common} for name in names]})


OLLAMA = ProtocolCodec(
    "ollama",
    VENDOR,
    (
        Endpoint("POST", "/api/chat", "chat"),
        Endpoint("POST", "/api/generate", "generate"),
        Endpoint("GET", "/api/tags", "models"),
        Endpoint("GET", "/api/version", "version"),
        Endpoint("POST", "/api/show", "show"),
        Endpoint("POST", "/api/embed", "embeddings"),
    ),
    read=read,
    write=whole,
    stream_writer=ChatStreamWriter,
    error=error_answer,
    models=_models,
    counted=b'{"prompt_eval_count":%d}',  # as an answer counts: the protocol has no endpoint for it
    stream_type="application/x-ndjson",
)
