import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.tokens import context_problem, estimate_tokens, text_tokens
from llmring_types import LLMRequest, Message, ModelFacts


def request(content: Any, **more: Any) -> LLMRequest:
    return LLMRequest(messages=[Message(role="user", content=content)], **more)


RECORDINGS = Path(__file__).with_name("recordings")


@pytest.mark.parametrize(
    ("recording", "counted"),
    [
        ("openai-chat-3cf355aa52b6", 362),
        ("openai-chat-562491ca5268", 535),
        ("openai-chat-af4f7f324a7e", 171),
        ("anthropic-messages-f627eebda818", 265),
    ],
)
def test_the_estimate_is_near_what_the_provider_counted(recording: str, counted: int) -> None:
    sent = json.loads((RECORDINGS / f"{recording}.json").read_bytes())["request"]["json"]
    messages = [
        *({"role": "system", "content": text} for text in [sent.get("system")] if text),
        *sent["messages"],
    ]
    estimate = estimate_tokens(LLMRequest(messages=messages))
    assert 0.8 * counted < estimate < 1.2 * counted


def test_a_character_of_a_script_without_letters_is_about_a_token() -> None:
    text = "敏捷的棕色狐狸跳过了懒狗"
    assert 0.7 * len(text) < text_tokens(text) < 1.3 * len(text)


PAGE = "x" * 67_000
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("more", "least", "most"),
    [
        pytest.param({"content": "x" * 400}, 100, 110, id="text"),
        pytest.param({"content": [{"type": "text", "text": "x" * 400}]}, 100, 110, id="a text part"),
        pytest.param(
            {
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "x" * 10**6}}
                ]
            },
            200,
            2000,
            id="an image counts by what it shows, not by its bytes",
        ),
        pytest.param(
            {"content": [{"type": "input_audio", "input_audio": {"data": "x" * 10**6, "format": "wav"}}]},
            200,
            2000,
            id="so does a recording",
        ),
        pytest.param(
            {"content": [{"type": "document", "source": {"type": "base64", "data": PAGE * 3}}]},
            5000,
            7000,
            id="a PDF counts by its pages",
        ),
        pytest.param(
            {
                "content": [
                    {"type": "document", "source": {"type": "url", "url": "https://example.org/x.pdf"}}
                ]
            },
            1000,
            3000,
            id="a document elsewhere is a page",
        ),
        pytest.param(
            {
                "content": [
                    {
                        "type": "document",
                        "source": {
                            "type": "base64",
                            "media_type": "text/plain",
                            "data": base64.b64encode(b"x" * 4000).decode(),
                        },
                    }
                ]
            },
            950,
            1050,
            id="a text document counts by its characters",
        ),
        pytest.param(
            {"content": [{"type": "document", "source": {"type": "text", "data": "x" * 4000}}]},
            950,
            1050,
            id="so does one in plain",
        ),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": "x" * 400}]}, 100, 130, id="any other part"
        ),
        pytest.param({"content": "", "tools": [TOOL] * 10}, 200, 400, id="tools"),
        pytest.param(
            {
                "content": "",
                "response_format": {"type": "json_schema", "json_schema": {"description": "x" * 400}},
            },
            100,
            150,
            id="a schema",
        ),
        pytest.param(
            {"content": "", "tools": [{"name": "f", "x": {1: object()}}]}, 5, 50, id="what is not JSON"
        ),
        pytest.param({"content": "\ud800"}, 4, 10, id="what is not text"),
    ],
)
def test_every_part_of_a_request_counts(more: dict[str, Any], least: int, most: int) -> None:
    assert least <= estimate_tokens(request(**more)) <= most


def test_tool_calls_count() -> None:
    call: Any = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "x" * 400}}
    message = Message(role="assistant", content=None, tool_calls=[call])
    assert 100 < estimate_tokens(LLMRequest(messages=[message])) < 150


def facts(window: int | None, longest: int | None = None) -> ModelFacts:
    return ModelFacts(provider="p", model="m", context_window=window, max_output_tokens=longest)


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (None, {}),
        (facts(None), {}),
        (facts(1000), {}),
        (facts(10, 2000), {"max_tokens": 100}),
        (facts(None, 10), {"max_tokens": 10}),
        (facts(None, 16_000), {"max_tokens": 16_384}),  # the registry rounds
    ],
)
def test_what_may_fit_is_no_problem(model: ModelFacts | None, more: dict[str, Any]) -> None:
    assert context_problem(request("x" * 2000, **more), model) is None


@pytest.mark.parametrize(
    ("model", "more", "problem"),
    [
        (facts(100), {}, "the request has about 504 tokens, but p:m takes 100 at most"),
        (facts(300, 400), {"max_tokens": 390}, "the request has about 504 tokens, but p:m takes 310 at most"),
        (
            facts(None, 16_000),
            {"max_tokens": 16_385},
            "max_tokens is 16,385, but p:m answers with 16,000 tokens at most",
        ),
        (facts(None, 10), {"max_tokens": 11}, "max_tokens is 11, but p:m answers with 10 tokens at most"),
    ],
)
def test_what_cannot_fit_is_said_with_both_numbers(
    model: ModelFacts, more: dict[str, Any], problem: str
) -> None:
    assert context_problem(request("x" * 2000, **more), model) == problem


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one: str, two: str) -> None:
    assert text_tokens(one) <= text_tokens(one + two)
