"""Lines that a running llmring process prints with --json."""

import json
from pathlib import Path
from typing import IO, Any

from jsonschema import Draft202012Validator

_SCHEMAS = Path(__file__).parents[2] / "packages" / "llmring-cli" / "tests" / "schemas"


def json_document(output: IO[str]) -> Any:
    """Read the one document, and not further."""
    text = output.readline()
    while not text.endswith("}\n") or text.count("{") != text.count("}"):
        line = output.readline()
        assert line, f"no whole document:\n{text}"
        text += line
    return json.loads(text)


def validate_output(command: str, document: Any) -> None:
    """Hold a document against the schema of its command."""
    Draft202012Validator(json.loads((_SCHEMAS / f"{command}.json").read_text())).validate(document)
