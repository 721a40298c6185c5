import contextlib
import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring.registry._wire import decode
from llmring_types import Prices
from llmring_types.exceptions import RegistryValidationError

LEAST = {"model_name": "m", "display_name": "M"}


def document(models: object, **more: object) -> bytes:
    return json.dumps({"provider": "openai", "version": 3, "models": models, **more}).encode()


def test_a_full_entry_becomes_facts() -> None:
    entry = LEAST | {
        "provider": "openai",
        "description": "",
        "model_aliases": ["n"],
        "model_family": "f",
        "max_input_tokens": 128000.0,
        "max_output_tokens": 16384,
        "min_recommended_reasoning_tokens": 2000,
        "api_endpoint": "an endpoint of next year",
        "dollars_per_million_tokens_input": 0.1,
        "dollars_per_million_tokens_output": 30,
        "dollars_per_million_tokens_cached_input": 0.01,
        "dollars_per_million_tokens_output_thinking": 40,
        "supports_long_context_pricing": True,
        "long_context_threshold_tokens": 200000,
        "dollars_per_million_tokens_input_long_context": 0.2,
        "dollars_per_million_tokens_output_long_context": 45,
        "supports_vision": True,
        "supports_documents": False,
        "supports_pdf_input": True,
        "supports_temperature": False,
        "supports_thinking": True,
        "is_active": False,
        "release_date": "2025-08-05",
        "deprecated_date": "2026-08-05T00:00:00Z",
        "a_field_of_next_year": {"x": 1},
    }
    publication = decode(document({"openai:m": entry}, updated_at="2026-08-18T17:29:16"), "openai", where="x")
    (facts,) = publication.models
    assert (publication.version, publication.updated_at, publication.skipped) == (
        3,
        "2026-08-18T17:29:16",
        (),
    )
    assert facts.prices == Prices(
        input=Decimal("0.1"),
        output=Decimal(30),
        cache_read=Decimal("0.01"),
        reasoning=Decimal(40),
        long_threshold=200_000,
        long_input=Decimal("0.2"),
        long_output=Decimal(45),
        source="registry",
    )
    assert (facts.context_window, facts.max_output_tokens, facts.min_reasoning_tokens) == (
        128000,
        16384,
        2000,
    )
    assert (facts.aliases, facts.family, facts.description) == (("n",), "f", None)
    assert facts.api == "an endpoint of next year"
    assert (facts.vision, facts.documents, facts.temperature, facts.reasoning, facts.active) == (
        True,
        True,
        False,
        True,
        False,
    )
    assert (facts.released_on, facts.retires_on) == (date(2025, 8, 5), date(2026, 8, 5))


@pytest.mark.parametrize(
    "absent", [{}, dict.fromkeys(["is_active", "supports_temperature", "max_input_tokens"])]
)
def test_null_and_absent_are_the_publishers_default_or_unknown(absent: dict[str, None]) -> None:
    (facts,) = decode(document({"openai:m": LEAST | absent}), "openai", where="x").models
    assert (facts.active, facts.temperature, facts.streaming) == (True, True, True)
    assert (facts.vision, facts.tools, facts.json_mode, facts.reasoning) == (False, False, False, False)
    assert (facts.audio, facts.documents, facts.json_schema, facts.tool_choice) == (None, None, None, None)
    assert (facts.context_window, facts.prices.input) == (None, None)


def test_no_tokens_at_all_means_that_the_limit_is_unknown() -> None:
    entry = LEAST | {"max_input_tokens": 0, "max_output_tokens": 0}
    (facts,) = decode(document({"openai:m": entry}), "openai", where="x").models
    assert (facts.context_window, facts.max_output_tokens) == (None, None)


def test_long_prices_count_only_where_the_model_has_them() -> None:
    entry = LEAST | {
        "supports_long_context_pricing": False,
        "long_context_threshold_tokens": 10,
        "dollars_per_million_tokens_input_long_context": 5,
    }
    (facts,) = decode(document({"openai:m": entry}), "openai", where="x").models
    assert (facts.prices.long_threshold, facts.prices.long_input) == (None, None)


@pytest.mark.parametrize(
    ("key", "entry", "reason"),
    [
        ("m", LEAST, "key"),
        ("openai:m", [], "object"),
        ("openai:m", {"display_name": "M"}, "model_name"),
        ("openai:m", {"model_name": "m", "display_name": ""}, "display_name"),
        ("google:m", LEAST, "google"),
        ("openai:m", LEAST | {"provider": "google"}, "google"),
        ("openai:m", LEAST | {"dollars_per_million_tokens_input": -1}, "price"),
        ("openai:m", LEAST | {"dollars_per_million_tokens_input": "NaN"}, "price"),
        ("openai:m", LEAST | {"max_input_tokens": -5}, ">= 0"),
        ("openai:m", LEAST | {"supports_vision": "perhaps"}, "bool"),
        ("openai:m", LEAST | {"release_date": "last summer"}, "last summe"),
        ("openai:again", LEAST | {"model_name": "good"}, "already"),
    ],
)
def test_a_wrong_entry_is_left_out_and_reported_and_the_others_stay(
    key: str, entry: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {"openai:good": LEAST | {"model_name": "good"}, key: entry}
    publication = decode(document(models), "openai", where="there")
    assert [facts.model for facts in publication.models] == ["good"]
    (sentence,) = publication.skipped
    assert key in sentence
    assert "there" in sentence
    assert reason in sentence
    assert capsys.readouterr() == ("", "")


def test_a_list_of_entries_is_read_too() -> None:
    publication = decode(document([LEAST, LEAST | {"model_name": "n"}]), "openai", where="x")
    assert [facts.model for facts in publication.models] == ["m", "n"]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[]", b"{}", b'{"models": 3}', b'{"models": {}, "version": "x"}', b"\xff"]
)
def test_what_is_no_registry_document_is_refused(data: bytes) -> None:
    with pytest.raises(RegistryValidationError, match="there"):
        decode(data, "openai", where="there")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "model_name",
        "display_name",
        "provider",
        "model_aliases",
        "max_input_tokens",
        "dollars_per_million_tokens_input",
        "supports_vision",
        "release_date",
    ]
)


@given(st.dictionaries(st.text(max_size=8), JSON | st.dictionaries(FIELDS, JSON), max_size=4))
def test_every_entry_is_either_read_or_reported(models: dict[str, Any]) -> None:
    publication = decode(msgspec.json.encode({"models": models}), "openai", where="x")
    assert len(publication.models) + len(publication.skipped) == len(models)


def test_an_entry_that_is_no_text_is_reported() -> None:
    data = b'{"models": {"openai:m": {"model_name": "\xff", "display_name": "M"}}}'
    publication = decode(data, "openai", where="x")
    assert (publication.models, len(publication.skipped)) == ((), 1)


@given(st.binary(max_size=40))
def test_any_bytes_give_a_publication_or_the_typed_error(data: bytes) -> None:
    with contextlib.suppress(RegistryValidationError):
        decode(data, "openai", where="x")


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "data",
    [
        b'{"models": ' + DEEP + b"}",
        b'{"later": ' + DEEP + b', "models": {}}',
        b'{"models": {"openai:m": ' + DEEP + b"}}",
    ],
)
def test_a_document_that_is_nested_without_end_is_one_typed_error(data: bytes) -> None:
    with pytest.raises(RegistryValidationError, match="is not a registry document"):
        decode(data, "openai", where="here")


def test_a_price_that_no_model_costs_leaves_its_entry_out() -> None:
    priced = LEAST | {"dollars_per_million_tokens_input": 1e300}
    found = decode(document({"openai:m": priced}), "openai", where="here")
    assert (found.models, len(found.skipped)) == ((), 1)
