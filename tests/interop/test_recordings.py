"""What the repository's recordings have to be: few, small, with their sources, and of every scenario."""

import json
from pathlib import Path

import pytest
from interop.ours import PROTOCOLS
from interop.recordings import FOLDER, Protocol, recordings

FILES = sorted(FOLDER.glob("*/*.json"))
LICENCES = {"MIT", "Apache-2.0", "Apache-2.0 OR BSD-3-Clause"}
EVERYWHERE = {
    "stream", "nonstream", "system_prompt", "tools_offered", "tool_call_parallel", "tool_call_noargs",
    "tool_result_followup", "structured_json_schema", "multi_turn", "document_input", "image_input", "cache_read", "error",
}  # fmt: skip
MISSING = {
    "ollama": {
        "multi_turn",
        "document_input",
        "image_input",
        "cache_read",
        "tool_call_noargs",
    },  # its API has no documents and no caching
}
FURTHER = {
    "openai chat": {
        "refusal",
        "content_filter",
        "reasoning_tokens",
        "tool_choice_named",
        "error_401",
        "error_429",
    },
    "openai responses": {"refusal", "reasoning_roundtrip", "encrypted_reasoning"},
    "anthropic": {
        "reasoning_roundtrip",
        "redacted_thinking",
        "thinking_signature",
        "citations",
        "pdf_input",
        "error_404",
    },
    "google": {
        "reasoning_roundtrip",
        "thought_signature",
        "safety_block",
        "json_array_stream",
        "retry_delay_body",
    },
    "ollama": {"reasoning_text", "json_mode", "options", "error_404"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_names_its_source_and_licence(path: Path) -> None:
    recording = json.loads(path.read_text(encoding="utf-8"))
    assert path.stem == recording["id"]
    assert recording["licence"] in LICENCES
    assert recording["source_path"]
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    row = f"{recording['source_commit'][:12]} | {recording['licence']} |"
    assert f"[{recording['source_repo']}](https://github.com/{recording['source_repo']}) | {row}" in table


def test_recordings_stay_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 1_500_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_scenario_is_recorded(protocol: Protocol) -> None:
    tags = {tag for recording in recordings() if recording.protocol == protocol for tag in recording.tags}
    assert (EVERYWHERE - MISSING.get(protocol, set())) | FURTHER[protocol] <= tags
