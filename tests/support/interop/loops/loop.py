"""Common steps of all tool loops."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

PARIS, ROME = {"city": "Paris"}, {"city": "Rome", "days": [1, 2.5], "note": 'à "b" \\ 🎈'}
FAILED, FOUND, TIME = "no such city", "18 °C", "noon"


class Loop(NamedTuple):
    """A conversation of three requests: a question, the results of the calls made, and one more question.

    Attributes:
        whole: the answer with the calls, as a document.
        stream: the same as the body of a stream.
        ids: those of the three calls, as the neutral form has them.
        final: the answer to the results, as a document.
        conversation: the field of the body that holds the conversation.
        returned: what stands there in the third request between the two questions.
    """

    model: str
    whole: dict[str, Any]
    stream: bytes
    ids: tuple[str, str, str]
    final: dict[str, Any]
    conversation: str
    returned: list[dict[str, Any]]


def text_of(arguments: dict[str, Any]) -> str:
    """The arguments of a call as a model writes them that carries text."""
    return json.dumps(arguments, ensure_ascii=False)


def events(documents: Iterable[dict[str, Any]], *, named: bool = False, end: bytes = b"") -> bytes:
    """The body of a stream of server-sent events."""
    lines = []
    for document in documents:
        name = f"event: {document['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(document)}\n\n".encode())
    return b"".join(lines) + end


def halves(text: str) -> tuple[str, str]:
    middle = len(text) // 2
    return text[:middle], text[middle:]
