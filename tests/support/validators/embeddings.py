"""Refusals of embedding and rerank requests, by the pages of the vendors that the codecs cite."""

import json
from typing import Any

_FIELDS = {
    "openai": {"model", "input", "dimensions", "encoding_format", "user"},
    "voyage": {
        "model",
        "input",
        "input_type",
        "truncation",
        "output_dimension",
        "output_dtype",
        "encoding_format",
    },
    "jina": {
        "model",
        "input",
        "task",
        "dimensions",
        "embedding_type",
        "normalized",
        "truncate",
        "late_chunking",
    },
    "ollama": {"model", "input", "truncate", "dimensions", "options", "keep_alive"},
    "cohere": {
        "model",
        "texts",
        "input_type",
        "embedding_types",
        "output_dimension",
        "truncate",
        "max_tokens",
    },
}
_MOST = {"openai": 2048, "voyage": 1000, "jina": 2048, "ollama": 10**6, "cohere": 96}
_WORDS: dict[tuple[str, str], set[Any]] = {
    ("openai", "encoding_format"): {"float", "base64"},
    ("voyage", "encoding_format"): {"base64"},  # absent for numbers
    ("voyage", "input_type"): {"query", "document"},
    ("jina", "task"): {
        "retrieval.query",
        "retrieval.passage",
        "text-matching",
        "classification",
        "separation",
    },
    ("cohere", "input_type"): {"search_document", "search_query", "classification", "clustering", "image"},
    ("cohere", "truncate"): {"NONE", "START", "END"},
}


def embedding_refusals(vendor: str, data: bytes, given: set[str]) -> list[str]:
    """Return the reasons for which the vendor would refuse the body.

    Args:
        vendor: a key of the codecs: ``openai``, ``gemini`` and so on.
        data: the body.
        given: the fields that the user wrote into it.
    """
    body = json.loads(data)
    if vendor == "gemini":
        return _of_gemini(body)
    texts = body["texts" if vendor == "cohere" else "input"]
    found = [f"no field {name!r}" for name in body.keys() - _FIELDS[vendor] - given]
    if not 1 <= len(texts) <= _MOST[vendor]:
        found.append(f"{len(texts)} texts")
    if not all(texts):
        found.append("an empty text")
    if vendor == "cohere" and "input_type" not in body:
        found.append("no input_type")
    for (name, field), words in _WORDS.items():
        if name == vendor and field in body and field not in given and body[field] not in words:
            found.append(f"{field}={body[field]!r}")
    return found


def _of_gemini(body: dict[str, Any]) -> list[str]:
    requests = body["requests"]
    found = [] if 1 <= len(requests) <= 100 else [f"{len(requests)} requests"]
    if len({request["model"] for request in requests}) != 1:
        found.append("requests for several models")
    if not all(part.get("text") for request in requests for part in request["content"]["parts"]):
        found.append("an empty text")
    return found
