"""The parts of a message as Anthropic's content blocks.

https://platform.claude.com/docs/en/build-with-claude/vision
https://platform.claude.com/docs/en/build-with-claude/pdf-support
"""

from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import Role
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.media import document_text
from llmring_providers._protocol import ChatCall

Block = dict[str, Any]

FILES_BETA = "files-api-2025-04-14"
"""Value of ``anthropic-beta`` for whatever has to do with uploaded files.

https://platform.claude.com/docs/en/build-with-claude/files
"""

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_NATIVE: Mapping[Role, frozenset[str]] = {
    "user": frozenset({"image", "search_result", "container_upload"}),
    "tool": frozenset({"image", "search_result", "tool_reference", "browser_state"}),
    "system": frozenset({"tool_addition", "tool_removal"}),
    "assistant": frozenset({"thinking", "redacted_thinking", "server_tool_use", "compaction"}),
}
"""Blocks of Anthropic's own that pass as they are."""


def blocks_of(content: str | list[Any] | None, role: Role, call: ChatCall) -> list[Block]:
    """Translate a content; blank texts are left out, for Anthropic refuses them.

    Raises:
        UnsupportedContentError: a part that Anthropic, or this role there, has no place for.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [] if is_blank(content) else [{"type": "text", "text": content}]
    return list(_blocks(content, role, call))


def names_files(turns: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a block of the turns names an uploaded file."""
    contents = (turn["content"] for turn in turns)
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    sources = (block.get("source") for block in blocks)
    return any(isinstance(source, Mapping) and source.get("type") == "file" for source in sources)


def is_blank(text: str) -> bool:
    """Return whether Anthropic would refuse the text: empty, or nothing but white space."""
    return not text or text.isspace()


def _blocks(parts: Iterable[Block], role: Role, call: ChatCall) -> Iterable[Block]:
    for part in parts:
        kind = part["type"]
        if kind in ("text", "refusal"):
            text = part.get(kind)
            if isinstance(text, str) and not is_blank(text):
                yield part if kind == "text" else {"type": "text", "text": text}
        elif kind in _NATIVE[role]:
            yield _image(part, call) if kind == "image" else part
        elif role in ("user", "tool"):
            yield _marked(part, _media(part, call))
        else:
            raise _unsupported(call, kind, f"in a message of the {role}; only text goes there")


def _image(part: Block, call: ChatCall) -> Block:
    """Return an image in Anthropic's own form; a file that is none goes as what it is."""
    source = part.get("source")
    if (
        not isinstance(source, Mapping)
        or source.get("type") != "base64"
        or source.get("media_type") in _IMAGES
    ):
        return part
    return _marked(part, _from_base64(str(source.get("media_type") or ""), source.get("data"), "image", call))


def _marked(part: Block, block: Block) -> Block:
    return {**block, "cache_control": part["cache_control"]} if "cache_control" in part else block


def _media(part: Block, call: ChatCall) -> Block:
    kind = part["type"]
    if kind == "image_url":
        image = part.get("image_url")
        return _from_url(image.get("url") if isinstance(image, Mapping) else image, kind, call)
    if kind == "document":
        return _document(part, call)
    file = part.get("file")
    if kind == "file" and isinstance(file, Mapping) and "file_data" in file:
        block = _from_url(file["file_data"], kind, call)
        if block["type"] == "document" and file.get("filename"):
            block["title"] = file["filename"]
        return block
    raise _unsupported(call, kind, "; use text, image_url or document")


def _from_url(url: Any, kind: str, call: ChatCall) -> Block:
    """Translate a data URL, or the address of an image that Anthropic itself can fetch."""
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    scheme, *parameters = head.split(";")
    if scheme[:5].lower() != "data:" or not comma or "base64" not in parameters:
        raise _unsupported(call, kind, "whose address is neither http(s) nor a base64 data URL")
    return _from_base64(scheme[5:], data, kind, call)


def _document(part: Block, call: ChatCall) -> Block:
    source = part.get("source")
    if not isinstance(source, Mapping):
        raise _unsupported(call, "document", "without a source")
    block: Block = {"type": "document", "source": source}
    if source.get("type") == "base64" and source.get("media_type") != "application/pdf":
        block = _from_base64(str(source.get("media_type")), source.get("data"), "document", call)
    if block["type"] == "document":
        block.update((key, part[key]) for key in ("title", "context", "citations") if key in part)
        if "filename" in part:
            block.setdefault("title", part["filename"])
    return block


def _from_base64(media_type: str, data: Any, kind: str, call: ChatCall) -> Block:
    media_type = media_type.lower().replace("image/jpg", "image/jpeg")
    if media_type in _IMAGES:
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    if media_type == "application/pdf":
        return {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}}
    try:  # base64 is for PDF only: texts go as texts
        text = document_text({"type": "base64", "media_type": media_type, "data": data})
    except ValueError as error:
        raise _unsupported(call, kind, f"of {media_type} that is not UTF-8 text in base64") from error
    if text is not None:
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}
    raise _unsupported(
        call, kind, f"of {media_type or 'no media type'}; it takes JPEG, PNG, GIF, WebP, PDF and text"
    )


def _unsupported(call: ChatCall, kind: str, why: str) -> UnsupportedContentError:
    return UnsupportedContentError(
        f"{call.ref.provider} cannot take a {kind!r} part{'' if why.startswith(';') else ' '}{why}",
        provider=call.ref.provider,
        part=kind,
    )
