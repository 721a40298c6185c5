"""The host's side of embeddings and reranking, for every form that the clients' codecs write."""

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.reading import document


class HostedTexts(NamedTuple):
    """A request to embed.

    Attributes:
        form: the form of the answer.
        model: as the client names it.
        texts: what is to be embedded.
        dimensions: the length asked for.
        as_base64: the client takes vectors as base64 of little-endian 32-bit floats.
    """

    form: str
    model: str
    texts: list[str]
    dimensions: int | None
    as_base64: bool = False


class HostedRanking(NamedTuple):
    """A request to rerank; ``rows`` is the name of the list in the answer."""

    model: str
    query: str
    documents: list[str]
    top_n: int | None
    rows: str


def read_embedding(method: str, target: str, body: bytes) -> HostedTexts | HostedRanking | None:
    """Return what is asked, or ``None`` where this is no such endpoint.

    Raises:
        ValidationError: the endpoint is one, and the body is not of its form.
    """
    path = urlsplit(target).path
    form = _form(path) if method == "POST" else None
    if form is None:
        return None
    fields = document(body)
    try:
        asked = _READERS[form](fields)
    except KeyError as error:
        raise ValidationError(
            f"the body is not what {path} takes: it has no field {error}", original=error
        ) from error
    except (TypeError, IndexError) as error:
        raise ValidationError(f"the body is not what {path} takes: {error}", original=error) from error
    if isinstance(asked, HostedRanking):
        return asked
    if form.startswith("gemini"):
        asked = asked._replace(model=path.rpartition("/")[2].partition(":")[0])
    return asked._replace(form=form)


def _form(path: str) -> str | None:
    if path.endswith((":batchEmbedContents", ":embedContent")):
        return "gemini" if path.endswith("s") else "gemini-one"
    ends = {"/v2/embed": "cohere", "/api/embed": "ollama", "/embeddings": "openai", "/rerank": "rerank"}
    return next((form for end, form in ends.items() if path.endswith(end)), None)


def _read_openai(fields: Mapping[str, Any]) -> HostedTexts:
    given = fields["input"]
    texts = [given] if isinstance(given, str) else list(given)
    encoding = fields.get("encoding_format") or fields.get("embedding_type")
    dimensions = fields.get("dimensions") or fields.get("output_dimension")
    return HostedTexts("", str(fields["model"]), texts, dimensions, encoding == "base64")


def _read_cohere(fields: Mapping[str, Any]) -> HostedTexts:
    return HostedTexts("", str(fields["model"]), list(fields["texts"]), fields.get("output_dimension"))


def _read_gemini(fields: Mapping[str, Any]) -> HostedTexts:
    requests = fields.get("requests") or [fields]
    texts = ["".join(part["text"] for part in each["content"]["parts"]) for each in requests]
    return HostedTexts("", "", texts, requests[0].get("outputDimensionality"))


def _read_rerank(fields: Mapping[str, Any]) -> HostedRanking:
    of_voyage = "truncation" in fields or "top_k" in fields
    return HostedRanking(
        str(fields["model"]),
        str(fields["query"]),
        list(fields["documents"]),
        fields.get("top_k" if of_voyage else "top_n"),
        "data" if of_voyage else "results",
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], HostedTexts | HostedRanking]] = {
    "cohere": _read_cohere,
    "gemini": _read_gemini,
    "gemini-one": _read_gemini,
    "ollama": _read_openai,
    "openai": _read_openai,
    "rerank": _read_rerank,
}


def write_embedding(asked: HostedTexts, vectors: Sequence[Sequence[float]], tokens: int) -> bytes:
    """Return the body of the answer."""
    answer: dict[str, Any]
    if asked.form == "openai":
        rows = [
            {"object": "embedding", "index": index, "embedding": _base64(row) if asked.as_base64 else row}
            for index, row in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        answer = {"object": "list", "data": rows, "model": asked.model, "usage": usage}
    elif asked.form == "cohere":
        units = {"input_tokens": tokens}
        answer = {
            "id": "0",
            "embeddings": {"float": vectors},
            "texts": asked.texts,
            "meta": {"billed_units": units},
        }
    elif asked.form == "ollama":
        answer = {"model": asked.model, "embeddings": vectors, "prompt_eval_count": tokens}
    else:
        values = [{"values": row} for row in vectors]
        answer = {"embeddings": values} if asked.form == "gemini" else {"embedding": values[0]}
        answer["usageMetadata"] = {"promptTokenCount": tokens}
    return msgspec.json.encode(answer)


def write_ranking(asked: HostedRanking, scores: Sequence[float], tokens: int) -> bytes:
    """Return the body of the answer: the best documents first."""
    rows = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    rows.sort(key=lambda row: (-row["relevance_score"], row["index"]))
    return msgspec.json.encode({asked.rows: rows[: asked.top_n], "usage": {"total_tokens": tokens}})


def _base64(row: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()
