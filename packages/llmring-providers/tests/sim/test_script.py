"""Scripts: read from text, and which rule decides which call."""

from typing import Any

import pytest
from llmring_providers.sim import Answer, Call, Prompt, Rule, Script, Turn, faults
from llmring_types.exceptions import ValidationError

TOML = """
[[rules]]
model = "gpt-*"
contains = "weather"
after_tool = false
[rules.answer]
reasoning = "A tool knows."
latency = 0.1
usage = { prompt_tokens = 100, cache_read_input_tokens = 80 }
[[rules.answer.tool_calls]]
name = "get_weather"
arguments = { city = "Rome" }

[[rules]]
every = 10
fault = { kind = "status", status = 429, retry_after = 2 }

[[rules]]
answer = { json = { ok = true } }
fault = { kind = "cut", after = 3, how = "lost" }
"""
JSON = """{"rules": [{"model": "gpt-*", "contains": "weather", "after_tool": false, "answer": {
    "reasoning": "A tool knows.", "latency": 0.1, "usage": {"prompt_tokens": 100, "cache_read_input_tokens": 80},
    "tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]}},
  {"every": 10, "fault": {"kind": "status", "status": 429, "retry_after": 2}},
  {"answer": {"json": {"ok": true}}, "fault": {"kind": "cut", "after": 3, "how": "lost"}}]}"""


def prompt(*turns: Turn, **more: Any) -> Prompt:
    return Prompt(protocol="openai", model="m", turns=turns or (Turn("user", "Hello"),), **more)


@pytest.mark.parametrize("text", [TOML, JSON])
def test_a_script_is_read_from_toml_or_json(text: str) -> None:
    weather, limited, cut = Script.parse(text).rules

    assert weather.answer is not None
    assert weather.answer.tool_calls == (Call("get_weather", {"city": "Rome"}),)
    assert weather.answer.usage.cache_read_input_tokens == 80
    assert limited.fault == faults.Status(status=429, retry_after=2)
    assert cut.answer == Answer(json={"ok": True})
    assert cut.fault == faults.Cut(after=3, how="lost")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules = 1", r"\$\.rules"),
        ('[[rules]]\nmodle = "x"', "modle"),
        ('[[rules]]\nfault = { kind = "explode" }', "explode"),
        ('[[rules]]\nfault = { kind = "cut", how = "gently" }', "gently"),
        ('{"rules": [', "script"),
        ("rules = [", "script"),
    ],
)
def test_a_wrong_script_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Script.parse(text)


TOOL_TURNS = (Turn("user", "weather?"), Turn("assistant", ""), Turn("tool", "17 degrees", "get_weather"))


@pytest.mark.parametrize(
    ("rule", "asked", "applies"),
    [
        (Rule(), prompt(), True),
        (Rule(model="m"), prompt(), True),
        (Rule(model="gpt-*"), prompt(), False),
        (Rule(model="?"), prompt(), True),
        (Rule(protocol="ollama"), prompt(), False),
        (Rule(protocol="openai", contains="HELLO"), prompt(), True),
        (Rule(contains="goodbye"), prompt(), False),
        (Rule(contains="first"), prompt(Turn("user", "first"), Turn("user", "second")), False),
        (Rule(stream=True), prompt(), False),
        (Rule(stream=True), prompt(stream=True), True),
        (Rule(after_tool=True), prompt(*TOOL_TURNS), True),
        (Rule(after_tool=False), prompt(*TOOL_TURNS), False),
        (Rule(after_tool=True), prompt(*TOOL_TURNS, Turn("user", "and now?")), False),
        (Rule(contains="weather", after_tool=True), prompt(*TOOL_TURNS), True),
    ],
)
def test_every_condition_of_a_rule_must_be_met(rule: Rule, asked: Prompt, applies: bool) -> None:
    assert rule.applies(asked, 1) is applies


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        (Rule(call=2), [2]),
        (Rule(until=3), [1, 2, 3]),
        (Rule(every=4), [4, 8, 12]),
        (Rule(every=4, call=1), [1, 5, 9]),
        (Rule(every=4, call=6), [6, 10]),
        (Rule(every=4, until=8), [4, 8]),
    ],
)
def test_calls_are_chosen_by_their_number(rule: Rule, numbers: list[int]) -> None:
    assert [number for number in range(1, 13) if rule.applies(prompt(), number)] == numbers


def test_the_first_rule_that_applies_decides() -> None:
    script = Script(rules=(Rule(call=2), Rule(model="m"), Rule()))

    assert script.rule(prompt(), 2) is script.rules[0]
    assert script.rule(prompt(), 1) is script.rules[1]


def test_the_models_to_list_are_those_that_rules_name() -> None:
    script = Script(rules=(Rule(model="big"), Rule(model="gpt-*"), Rule(model="big"), Rule()))

    assert script.models == ("big", "demo")


@pytest.mark.parametrize(
    ("arguments", "text", "value"),
    [
        ({"a": 1}, '{"a":1}', {"a": 1}),
        ('{"a": 1}', '{"a": 1}', {"a": 1}),
        ('{"a": ', '{"a": ', {"arguments": '{"a": '}),
    ],
)
def test_arguments_are_text_or_an_object_as_the_protocol_needs(
    arguments: Any, text: str, value: dict[str, Any]
) -> None:
    call = Call("f", arguments)

    assert (call.arguments_text, call.arguments_object) == (text, value)
