"""Token counts of both APIs and of the hosts that copy them, each as that host's documentation writes them."""

from typing import Any

import pytest
from llmring_providers.openai.usage import unusual, usage_of

COUNTS = [
    pytest.param({"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "input_tokens_details": {"cached_tokens": 4},
                  "output_tokens_details": {"reasoning_tokens": 2}},
                 {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "cache_read_input_tokens": 4,
                  "reasoning_tokens": 2}, id="the responses API"),
    pytest.param({"prompt_tokens": 88, "completion_tokens": 4, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 24},
                 {"prompt_tokens": 88, "completion_tokens": 4, "total_tokens": 92, "cache_read_input_tokens": 64}, id="DeepSeek"),
    pytest.param({"prompt_tokens": 19, "cached_tokens": 10}, {"prompt_tokens": 19, "cache_read_input_tokens": 10}, id="Moonshot"),
    pytest.param({"prompt_tokens": 19, "prompt_tokens_details": None, "cache_creation_input_tokens": 5,
                  "cache_read_input_tokens": 10},
                 {"prompt_tokens": 19, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 5}, id="LiteLLM"),
    pytest.param({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 3},
                 {"prompt_tokens": 9, "cache_read_input_tokens": 0}, id="OpenAI's place counts first"),
    pytest.param({"prompt_tokens": "seven", "completion_tokens": True, "cached_tokens": "1e999", "total_tokens": 9, "prompt_tokens_details": [1]},
                 {"total_tokens": 9}, id="what is not a number"),
    pytest.param({"prompt_tokens": "7", "completion_tokens": "3.0", "total_tokens": "10", "prompt_tokens_details": {"cached_tokens": "4"}},
                 {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "cache_read_input_tokens": 4}, id="numbers as text"),
    pytest.param({"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "reasoning_tokens": 73997},
                 {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196}, id="Perplexity's research"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "counts"), COUNTS)
def test_counts_are_found_where_each_host_puts_them(said: dict[str, Any], counts: dict[str, int]) -> None:
    assert usage_of(said) == counts


@pytest.mark.parametrize("said", [None, {}, [], "12", 12, {"prompt_tokens_details": None}])
def test_no_count_is_no_usage(said: Any) -> None:
    assert usage_of(said) is None
    assert unusual(said) == {}


REST = [
    pytest.param({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                  "completion_tokens_details": {"reasoning_tokens": 2, "rejected_prediction_tokens": 0}}, {}, id="nothing"),
    pytest.param({"prompt_tokens_details": {"audio_tokens": 69, "text_tokens": 12},
                  "completion_tokens_details": {"rejected_prediction_tokens": 5}},
                 {"prompt_tokens_details": {"audio_tokens": 69},
                  "completion_tokens_details": {"rejected_prediction_tokens": 5}}, id="OpenAI's other prices"),
    pytest.param({"cost": 0.00813, "is_byok": False, "cost_details": {"upstream_inference_cost": None}},
                 {"cost": 0.00813}, id="OpenRouter's price"),
    pytest.param({"num_search_queries": 12, "reasoning_tokens": 73997, "cost": {"total_cost": 0.4}},
                 {"num_search_queries": 12, "reasoning_tokens": 73997, "cost": {"total_cost": 0.4}}, id="Perplexity's research"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "rest"), REST)
def test_what_else_is_said_of_the_usage_is_kept_without_zeros(
    said: dict[str, Any], rest: dict[str, Any]
) -> None:
    assert unusual(said) == rest
