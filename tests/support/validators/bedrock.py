"""Refusals by Bedrock: the shapes in botocore's model of the service, and what its messages say beyond them.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

_NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]{1,200}")
_PATTERNS = {"toolUseId": r"[a-zA-Z0-9_.:-]{1,64}", "name": r"[a-zA-Z0-9_-]{1,64}"}


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body."""
    model = unquote(path.partition("/model/")[2].rpartition("/")[0])
    report = _validator().validate({"modelId": model, **_with_bytes(body)}, _shape())
    if report.has_errors():
        yield report.generate_report()
    turns: Sequence[Mapping[str, Any]] = body.get("messages", ())
    roles = [turn["role"] for turn in turns if turn["role"] != "system"]
    if roles and roles[0] != "user":
        yield "A conversation must start with a user message."
    if any(one == other for one, other in pairwise(roles)):
        yield "Roles must alternate between user and assistant."
    for turn in turns:
        yield from _turn(turn)
    yield from _names(turns)
    if "toolConfig" not in body and any(_blocks(turns, "toolUse")):
        yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    yield from (
        "a system text is blank"
        for block in body.get("system", ())
        if "text" in block and not block["text"].strip()
    )


@lru_cache(1)
def _shape() -> Any:
    import botocore.session  # type: ignore[import-untyped]

    model = botocore.session.Session().get_service_model("bedrock-runtime")
    return model.operation_model("Converse").input_shape


@lru_cache(1)
def _validator() -> Any:
    from botocore.validate import ParamValidator  # type: ignore[import-untyped]

    return ParamValidator()


def _with_bytes(value: Any) -> Any:
    """Return a body with bytes where the wire has base64, as botocore takes it."""
    if isinstance(value, Mapping):
        return {
            name: b"x" if name in ("bytes", "redactedContent") else _with_bytes(inner)
            for name, inner in value.items()
        }
    return [_with_bytes(inner) for inner in value] if isinstance(value, list) else value


def _turn(turn: Mapping[str, Any]) -> Iterator[str]:
    content = turn["content"]
    if not content:
        yield "The content field in a Message object is empty."
    if any("text" in block and not block["text"].strip() for block in content):
        yield "The text field in a ContentBlock object is blank."
    kinds = [next(iter(block)) for block in content]
    if "document" in kinds and "text" not in kinds:
        yield "A document needs a text beside it."
    if kinds[:1] == ["cachePoint"]:
        yield "There is nothing available to cache."
    if turn["role"] == "user" and "reasoningContent" in kinds:
        yield "User messages cannot contain reasoning content."


def _names(turns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    documents = [block["name"] for block in _blocks(turns, "document")]
    yield from (f"document name {name!r}" for name in documents if _NAME.fullmatch(name) is None)
    if len(set(documents)) < len(documents):
        yield "Messages contain duplicate document names."
    uses = list(_blocks(turns, "toolUse"))
    ids = [use["toolUseId"] for use in uses]
    if len(set(ids)) < len(ids):
        yield "toolUse blocks contain duplicate Ids."
    if set(ids) != {result["toolUseId"] for result in _blocks(turns, "toolResult")}:
        yield "toolUse and toolResult blocks do not belong together."
    for use in uses:
        yield from (
            f"{field} {use[field]!r}"
            for field, form in _PATTERNS.items()
            if re.fullmatch(form, use[field]) is None
        )


def _blocks(turns: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    for turn in turns:
        for block in turn["content"]:
            if kind in block:
                yield block[kind]
