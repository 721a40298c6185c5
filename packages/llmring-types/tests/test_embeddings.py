"""Embedding and rerank requests: what they take and refuse."""

from importlib.util import find_spec
from typing import Any

import pytest
from llmring_types import EmbeddingRequest, EmbeddingResponse, RerankRequest
from llmring_types.exceptions import ConfigurationError, ValidationError


def test_one_text_may_be_given_as_it_is() -> None:
    assert EmbeddingRequest("a").texts == ["a"]
    assert EmbeddingRequest(["a", "b"]).texts == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"input": []}, "input is empty"),
        ({"input": ""}, r"input\[0\] is empty"),
        ({"input": ["a", ""]}, r"input\[1\] is empty"),
        ({"input": ["a", 3]}, r"input\[1\] must be a text; got int"),
        ({"input": b"a"}, "must be a list of texts; got bytes"),
        ({"input": ["a"], "dimensions": 0}, "dimensions must be an integer above 0"),
        ({"input": ["a"], "dimensions": True}, "dimensions must be an integer above 0"),
        ({"input": ["a"], "purpose": "search"}, "purpose must be 'document' or 'query'"),
    ],
)
def test_what_no_provider_could_embed_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        EmbeddingRequest(**given)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"query": "", "documents": ["a"]}, r"query\[0\] is empty"),
        ({"query": "q", "documents": "abc"}, "documents must be a list of texts; got str"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n must be"),
    ],
)
def test_what_no_provider_could_rank_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        RerankRequest(**given)


def test_an_array_needs_numpy_and_says_so() -> None:
    response = EmbeddingResponse(embeddings=[[1.0, 2.0], [3.0, 4.0]], model="a:b")
    assert response.dimensions == 2
    if find_spec("numpy") is None:
        with pytest.raises(ConfigurationError, match="pip install numpy"):
            response.array()
    else:
        assert response.array().tolist() == [[1.0, 2.0], [3.0, 4.0]]
