"""Answers in JSON from OpenAI: what the model cannot be held to is asked for in words, and told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_types import ModelRef
from llmring_types.exceptions import UnsupportedContentError

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("model", "kind"), [("gpt-3.5-turbo", "json_object"), ("gpt-4-turbo", "json_object"), ("gpt-4", "text")]
)
def test_a_model_without_structured_output_reads_the_schema(
    model: str, kind: str, call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(response_format=WANTED)._replace(ref=ModelRef("openai", model))
    wire = OpenAIAdapter().encode(call, stream=False)
    body = json.loads(wire.body)
    assert body["response_format"] == {"type": kind}
    assert json.dumps(SCHEMA, separators=(",", ":")) in body["messages"][0]["content"]
    assert "has no structured output" in wire.warnings[0]


@pytest.mark.parametrize("parameters", [True, [], "x"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_parameters_that_are_no_schema_are_told(
    parameters: Any, api: str, call_with: Callable[..., ChatCall]
) -> None:
    call = call_with(tools=[{"name": "f", "parameters": parameters}], extra_params={"api": api})
    with pytest.raises(UnsupportedContentError, match="a schema must be a dict"):
        OpenAIAdapter().encode(call, stream=False)
