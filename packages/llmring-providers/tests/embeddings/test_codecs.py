"""Embedding and rerank requests in each vendor's form, their answers, and both sides in a round trip."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers.embeddings import (
    EmbeddingCall,
    RankCall,
    address,
    embedding_codec,
    rerank_codec,
)
from llmring_providers.hosting.embeddings import (
    HostedRanking,
    HostedTexts,
    read_embedding,
    write_embedding,
    write_ranking,
)
from llmring_types import ModelRef
from llmring_types.exceptions import MalformedResponseError, ValidationError
from llmring_types.hosts import Host, register, unregister

CALL = EmbeddingCall(("a", "b"), ModelRef("x", "m"), 3, "query", {"user": "u"})
NAMES = ["openai", "local", "google", "ollama", "voyage", "jina", "cohere"]


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("openai", "/embeddings", {"model": "m", "input": ["a", "b"], "dimensions": 3, "encoding_format": "base64"}),
        ("ollama", "/api/embed", {"model": "m", "input": ["a", "b"], "dimensions": 3, "truncate": False}),
        ("voyage", "/embeddings", {"model": "m", "input": ["a", "b"], "output_dimension": 3, "input_type": "query",
                                   "truncation": False, "encoding_format": "base64"}),
        ("jina", "/embeddings", {"model": "m", "input": ["a", "b"], "dimensions": 3, "task": "retrieval.query",
                                 "embedding_type": "base64"}),
        ("cohere", "/v2/embed", {"model": "m", "texts": ["a", "b"], "output_dimension": 3, "truncate": "NONE",
                                 "input_type": "search_query", "embedding_types": ["float"]}),
    ],
)  # fmt: skip
def test_a_request_has_the_vendors_names(name: str, path: str, body: dict[str, Any]) -> None:
    codec = embedding_codec(name)
    assert codec is not None
    assert address("http://h", codec.endpoint, "m") == f"http://h{path}"
    assert json.loads(codec.encode(CALL)) == {**body, "user": "u"}


def test_gemini_gets_one_request_for_each_text() -> None:
    codec = embedding_codec("google")
    assert codec is not None
    assert address("http://h", codec.endpoint, "m") == "http://h/v1beta/models/m:batchEmbedContents"
    assert json.loads(codec.encode(CALL))["requests"][1] == {
        "model": "models/m",
        "taskType": "RETRIEVAL_QUERY",
        "outputDimensionality": 3,
        "content": {"parts": [{"text": "b"}], "role": "user"},
        "user": "u",
    }


def test_what_is_not_asked_for_is_not_sent() -> None:
    for name in NAMES:
        codec = embedding_codec(name)
        assert codec is not None
        sent = codec.encode(EmbeddingCall(("a",), ModelRef("x", "m")))
        assert b"imension" not in sent
        assert b"null" not in sent


def test_the_form_of_embeddings_is_a_field_of_the_row() -> None:
    register(
        Host(
            name="mine", protocol="openai", default_url="https://mine.test", keyless=True, embeddings="voyage"
        )
    )
    try:
        assert embedding_codec("mine") is embedding_codec("voyage")
        assert rerank_codec("mine") is rerank_codec("voyage")
    finally:
        unregister("mine")
    assert rerank_codec("openai") is None


def test_cohere_is_reached_beside_its_compatible_address() -> None:
    for base in (
        "https://api.cohere.ai/compatibility/v1",
        "https://api.cohere.ai/v2",
        "https://api.cohere.ai",
    ):
        assert address(base, "/v2/embed", "m") == "https://api.cohere.ai/v2/embed"


def test_a_protocol_without_embeddings_has_no_codec() -> None:
    assert embedding_codec("anthropic") is None
    assert rerank_codec("openai") is None


@given(
    st.sampled_from(NAMES),
    st.lists(st.text(min_size=1), min_size=1, max_size=6),
    st.integers(1, 5),
    st.data(),
)
def test_vectors_come_back_in_the_order_of_the_texts(
    name: str, texts: list[str], dimensions: int, data: st.DataObject
) -> None:
    codec = embedding_codec(name)
    assert codec is not None
    numbers = st.floats(-1, 1, width=32)
    rows = data.draw(st.lists(st.lists(numbers, min_size=dimensions, max_size=dimensions), min_size=len(texts), max_size=len(texts)))  # fmt: skip
    call = EmbeddingCall(texts, ModelRef("x", "m"), dimensions)
    asked = read_embedding("POST", address("http://h", codec.endpoint, "m"), codec.encode(call))
    assert isinstance(asked, HostedTexts)
    assert (asked.texts, asked.dimensions, asked.model) == (texts, dimensions, "m")
    found = codec.decode(write_embedding(asked, rows, 7), call)
    assert found == (rows, 7)


def openai_answer(*rows: tuple[int, object]) -> bytes:
    return json.dumps({"data": [{"index": index, "embedding": row} for index, row in rows]}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (openai_answer((0, [1.0] * 3)), "1 vectors for 2 texts"),
        (openai_answer((0, [1.0] * 3), (1, [1.0] * 3), (2, [1.0] * 3)), "3 vectors for 2 texts"),
        (openai_answer((0, [1.0] * 3), (0, [1.0] * 3)), "which text each is of"),
        (openai_answer((0, [1.0] * 3), (2, [1.0] * 3)), "which text each is of"),
        (openai_answer((0, [1.0] * 3), (1, [1.0] * 2)), "2 dimensions instead of 3"),
        (openai_answer((0, "!"), (1, [1.0] * 3)), "no base64"),
        (openai_answer((0, "AAAA"), (1, [1.0] * 3)), "3 bytes"),
        (openai_answer((0, base64.b64encode(struct.pack("<3f", 1, 2, float("nan"))).decode()), (1, [1.0] * 3)), "not finite"),
        (b'{"data": [{"embedding": [null]}]}', "not what the protocol says"),
        (b"", "not what the protocol says"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_a_typed_error(body: bytes, reason: str) -> None:
    codec = embedding_codec("openai")
    assert codec is not None
    with pytest.raises(MalformedResponseError, match=reason):
        codec.decode(body, CALL)


def test_vectors_that_come_in_another_order_are_put_in_theirs() -> None:
    codec = embedding_codec("openai")
    assert codec is not None
    packed = base64.b64encode(struct.pack("<3f", 1, 2, 3)).decode()
    assert codec.decode(openai_answer((1, packed), (0, [4, 5, 6])), CALL).embeddings == [[4, 5, 6], [1, 2, 3]]


@given(
    st.sampled_from(["cohere", "voyage", "jina"]),
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
    st.none() | st.integers(1, 8),
)
def test_a_ranking_has_the_best_documents_first(name: str, scores: list[float], top_n: int | None) -> None:
    codec = rerank_codec(name)
    assert codec is not None
    documents = [f"d{index}" for index in range(len(scores))]
    call = RankCall("q", documents, ModelRef("x", "m"), top_n)
    asked = read_embedding("POST", address("http://h", codec.endpoint, "m"), codec.encode(call))
    assert isinstance(asked, HostedRanking)
    assert (asked.query, asked.documents, asked.top_n) == ("q", documents, top_n)
    ranking = codec.decode(write_ranking(asked, scores, 3), call)
    assert [score for _, score in ranking.scores] == sorted(scores, reverse=True)[:top_n]
    assert all(scores[index] == score for index, score in ranking.scores)


@pytest.mark.parametrize("rows", [[], [(0, 1.0), (0, 0.5)], [(0, 1.0), (2, 0.5)]])
def test_a_ranking_of_other_documents_is_an_error(rows: list[tuple[int, float]]) -> None:
    codec = rerank_codec("jina")
    assert codec is not None
    body = json.dumps({"results": [{"index": index, "relevance_score": score} for index, score in rows]})
    with pytest.raises(MalformedResponseError, match="instead of 2"):
        codec.decode(body.encode(), RankCall("q", ["a", "b"], ModelRef("x", "m")))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"model": "m", "input": 3}', b'{"input":' + b"[" * 100_000]
)
def test_a_host_refuses_what_it_cannot_read(body: bytes) -> None:
    with pytest.raises(ValidationError, match=r"the body is not (what|a JSON object)"):
        read_embedding("POST", "/v1/embeddings", body)
    assert read_embedding("POST", "/v1/chat/completions", body) is None
    assert read_embedding("GET", "/v1/embeddings", body) is None


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(ValidationError, match="it has no field 'input'"):
        read_embedding("POST", "/v1/embeddings", b'{"model": "m", "prompt": "Hi"}')


ROWS = [{"index": 0, "embedding": [1.0]}]
VALUES = [{"values": [1.0]}]


@pytest.mark.parametrize(("value", "tokens"), [("many", None), ([], None), (True, None), (-5, -5), (2.0, 2)])
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("openai", lambda count: {"data": ROWS, "usage": {"prompt_tokens": count}}),
        ("voyage", lambda count: {"data": ROWS, "usage": {"total_tokens": count}}),
        ("ollama", lambda count: {"embeddings": [[1.0]], "prompt_eval_count": count}),
        ("google", lambda count: {"embeddings": VALUES, "usageMetadata": {"promptTokenCount": count}}),
        (
            "cohere",
            lambda count: {
                "embeddings": {"float": [[1.0]]},
                "meta": {"billed_units": {"input_tokens": count}},
            },
        ),
    ],
)
def test_a_count_that_is_no_number_does_not_lose_the_vectors(
    name: str, answer: Callable[[object], object], value: object, tokens: int | None
) -> None:
    codec = embedding_codec(name)
    assert codec is not None
    call = EmbeddingCall(("a",), ModelRef("x", "m"))
    vectors = codec.decode(json.dumps(answer(value)).encode(), call)
    assert (vectors.embeddings, vectors.tokens) == ([[1.0]], tokens)
