"""Files as the original implementation wrote them, with the ``toml`` package or as JSON."""

import difflib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from llmring_lockfile import Document, parse, resolve

SAMPLES = Path(__file__).parent / "samples"
NAMES = ["original_empty.lock", "original_init.lock", "original_full.lock", "original_full.lock.json"]


def document(name: str) -> Document:
    text = (SAMPLES / name).read_bytes().decode()
    return Document(text, name, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", NAMES)
def test_they_load(name: str) -> None:
    lockfile = document(name).lockfile
    assert lockfile.created_at == "2025-09-24T16:11:03.118205+00:00"
    assert lockfile.default_profile == "default"


@pytest.mark.parametrize("name", NAMES[2:])
@pytest.mark.parametrize(
    ("alias", "profile", "pool"),
    [
        ("summarizer", None, ["anthropic:claude-3-5-haiku-20241022", "openai:gpt-4o-mini"]),
        ("summarizer", "prod", ["anthropic:claude-sonnet-4-5-20250929", "openai:gpt-4o"]),
        ("local", None, ["ollama:llama3.3:latest", "openai:gpt-4o-mini"]),
        ("toolkit:extractor", None, ["openai:gpt-4o"]),
    ],
)
def test_they_resolve_as_they_did(name: str, alias: str, profile: str | None, pool: list[str]) -> None:
    assert [str(model) for model in resolve(document(name).lockfile, alias, profile).models] == pool


def test_json_and_toml_say_the_same() -> None:
    toml, as_json = (document(name).lockfile for name in NAMES[2:])
    assert (toml.profiles, toml.metadata, toml.extends) == (
        as_json.profiles,
        as_json.metadata,
        as_json.extends,
    )


EDITS: dict[str, tuple[Callable[[Document], None], list[str]]] = {
    "bind a new alias": (
        lambda doc: doc.bind("new", "openai:gpt-5"),
        ["+[[profiles.default.bindings]]", '+alias = "new"', '+models = ["openai:gpt-5"]'],
    ),
    "bind in an empty profile": (
        lambda doc: doc.bind("new", "openai:gpt-5", profile="staging"),
        ["+[[profiles.staging.bindings]]", '+alias = "new"', '+models = ["openai:gpt-5"]'],
    ),
    "change a pool": (
        lambda doc: doc.bind("vision", ["google:gemini-2.5-pro", "openai:gpt-5"]),
        ['-models = [ "google:gemini-2.5-pro",]', '+models = [ "google:gemini-2.5-pro", "openai:gpt-5",]'],
    ),
    "unbind": (
        lambda doc: doc.unbind("vision"),
        ["-[[profiles.default.bindings]]", '-alias = "vision"', '-models = [ "google:gemini-2.5-pro",]'],
    ),
    "pin": (lambda doc: doc.set_registry_versions({"google": 5}), ["+google = 5"]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_its_own_lines_and_the_timestamp_and_nothing_else(edit: str) -> None:
    name = "original_init.lock" if "empty" in edit else "original_full.lock"
    doc = document(name)
    before = doc.text
    change, expected = EDITS[edit]
    change(doc)
    diff = list(difflib.ndiff(before.splitlines(), doc.text.splitlines()))
    lines = [line[0] + line[2:] for line in diff if line[0] in "+-" and line[2:].strip()]
    assert lines[:2] == [
        '-updated_at = "2025-10-02T08:45:59.004117+00:00"',
        '+updated_at = "2026-01-01T00:00:00+00:00"',
    ]
    rest = [line for line in lines[2:] if line != "-bindings = []"]
    assert sorted(rest) == sorted(expected)


def test_a_json_file_changes_only_where_it_was_edited() -> None:
    doc = document("original_full.lock.json")
    before = doc.text
    doc.unbind("vision")
    removed = [line for line in difflib.ndiff(before.splitlines(), doc.text.splitlines()) if line[0] in "+-"]
    assert {line[2:].strip() for line in removed} <= {
        "{",
        "}",
        "},",
        '"alias": "vision",',
        '"models": [',
        '"google:gemini-2.5-pro"',
        "],",
        '"constraints": null',
        '"updated_at": "2025-10-02T08:45:59.004117+00:00",',
        '"updated_at": "2026-01-01T00:00:00+00:00",',
    }
    assert parse(doc.text, doc.path) == doc.lockfile
