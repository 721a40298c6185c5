"""Answers in JSON from OpenAI: what the model cannot be held to is asked for in words, and told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.openai.provider import OpenAIAdapter
from llmring_types import ModelFacts
from llmring_types.exceptions import UnsupportedContentError

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("json_mode", "kind"), [(True, "json_object"), (None, "json_object"), (False, "text")]
)
def test_a_model_without_structured_output_reads_the_schema(
    json_mode: bool | None, kind: str, call_with: Callable[..., ChatCall]
) -> None:
    facts = ModelFacts(provider="openai", model="m", json_schema=False, json_mode=json_mode)
    call = call_with(response_format=WANTED)._replace(facts=facts)
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
