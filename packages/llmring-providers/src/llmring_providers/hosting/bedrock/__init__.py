"""Amazon Bedrock's Converse: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html"""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import msgspec

from llmring_providers.bedrock.frames import CONTENT_TYPE
from llmring_providers.hosting.bedrock.messages import VENDOR
from llmring_providers.hosting.bedrock.request import read
from llmring_providers.hosting.bedrock.response import error_answer, whole
from llmring_providers.hosting.bedrock.stream import ConverseStreamWriter
from llmring_providers.hosting.codec import Operation, ProtocolCodec, Route, Stamp
from llmring_providers.hosting.reading import split

_OPERATIONS: Mapping[str, Operation] = {
    "converse": "chat",
    "converse-stream": "chat",
    "count-tokens": "count_tokens",
}


class _ConverseCodec(ProtocolCodec):
    """Paths name the model and the operation."""

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:  # noqa: ARG002
        path, _ = split(target)
        where, _, operation = path.rpartition("/")
        _, named, model = where.rpartition("/model/")
        if method == "POST" and named and operation in _OPERATIONS:
            return Route(
                protocol=self.name,
                operation=_OPERATIONS[operation],
                model=unquote(model),
                stream=operation == "converse-stream",
                sse=False,
            )
        listed = method == "GET" and path.endswith(("/foundation-models", "/inference-profiles"))
        return Route(protocol=self.name, operation="models") if listed else None


def _models(names: Sequence[str], stamp: Stamp) -> bytes:  # noqa: ARG001 - the list has no times
    """Write both lists in one document: the models, and no profiles.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
    """
    models = [
        {
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{name}",
            "modelId": name,
            "inferenceTypesSupported": ["ON_DEMAND"],
        }
        for name in names
    ]
    return msgspec.json.encode({"modelSummaries": models, "inferenceProfileSummaries": []})


BEDROCK = _ConverseCodec(
    "bedrock",
    VENDOR,
    read=read,
    write=whole,
    stream_writer=ConverseStreamWriter,
    error=error_answer,
    models=_models,
    counted=b'{"inputTokens":%d}',  # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
    stream_type=CONTENT_TYPE,
    request_id_header="x-amzn-requestid",
)
