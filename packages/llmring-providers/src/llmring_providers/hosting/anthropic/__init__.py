"""Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages"""

from collections.abc import Sequence

import msgspec

from llmring_providers.hosting.answering import moment
from llmring_providers.hosting.anthropic.messages import VENDOR
from llmring_providers.hosting.anthropic.request import read
from llmring_providers.hosting.anthropic.response import error_answer, whole
from llmring_providers.hosting.anthropic.stream import MessageStreamWriter
from llmring_providers.hosting.codec import Endpoint, ProtocolCodec, Stamp


def _models(names: Sequence[str], stamp: Stamp) -> bytes:
    """https://platform.claude.com/docs/en/api/models-list"""
    created = moment(stamp.created)
    data = [{"type": "model", "id": name, "display_name": name, "created_at": created} for name in names]
    ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
    return msgspec.json.encode({"data": data, "has_more": False, **ends})


ANTHROPIC = ProtocolCodec(
    "anthropic",
    VENDOR,
    (
        Endpoint("POST", "/messages", "chat"),
        Endpoint("POST", "/messages/count_tokens", "count_tokens"),
        Endpoint("GET", "/models", "models", header="anthropic-version"),
    ),
    read=read,
    write=whole,
    stream_writer=MessageStreamWriter,
    error=error_answer,
    models=_models,
    counted=b'{"input_tokens":%d}',  # https://platform.claude.com/docs/en/api/messages-count-tokens
    request_id_header="request-id",
)
