"""The conversation as Anthropic's ``system`` and ``messages``.

System messages before the first turn become the top-level ``system``, in order. One among the turns is sent where it
stands, as the last message of its user turn, to the models that take that
(https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages); for all others it is moved
to the end of ``system``, with a warning.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llmring_types import Message

from llmring_providers._fit.history import agrees, replay_of
from llmring_providers._protocol import ChatCall
from llmring_providers.anthropic.models import traits_of
from llmring_providers.anthropic.parts import Block, blocks_of, is_blank
from llmring_providers.anthropic.tools import tool_use, wire_id

THINKING = frozenset({"thinking", "redacted_thinking"})


class Conversation(NamedTuple):
    """Messages in Anthropic's form.

    Attributes:
        system: text blocks.
        turns: the wire's messages.
        container: the id of the container in which an unfinished turn runs.
    """

    system: list[Block]
    turns: list[dict[str, Any]]
    container: str | None

    @property
    def lacks_thinking(self) -> bool:
        """True if it ends with the results of calls that the model is not shown its thinking before."""
        if len(self.turns) < 2 or self.turns[-1]["role"] != "user":  # noqa: PLR2004
            return False
        content, before = self.turns[-1]["content"], self.turns[-2]
        if before["role"] != "assistant" or isinstance(content, str) or content[0]["type"] != "tool_result":
            return False
        return before["content"][0].get("type") not in THINKING


def encode_conversation(call: ChatCall, warnings: list[str], *, plain: bool) -> Conversation:
    """Translate all messages.

    Args:
        call: the call.
        warnings: takes a sentence for whatever was left out or moved.
        plain: each message is nothing but a role and a text.

    Raises:
        UnsupportedContentError: a part that Anthropic has no place for.
    """
    if plain and (conversation := _texts_alone(call.request.messages)) is not None:
        return conversation
    encoder = _Encoder(call, warnings)
    for message in call.request.messages:
        encoder.add(message)
    return encoder.finish()


def _texts_alone(messages: Sequence[Message]) -> Conversation | None:
    """Translate texts that stand where Anthropic takes them; ``None`` where one does not, or is blank."""
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role, content = message.role, message.content
        if not content or content.isspace() or (role == "system" and turns):
            return None
        if role == "system":
            system.append({"type": "text", "text": content})
        else:
            turns.append({"role": role, "content": content})
    if turns and role == "assistant":
        turns[-1]["content"] = content.rstrip()
    return Conversation(system, turns, None)


class _Encoder:
    def __init__(self, call: ChatCall, warnings: list[str]) -> None:
        self._call = call
        self._warnings = warnings
        self._system: list[Block] = []
        self._turns: list[dict[str, Any]] = []
        self._results: list[Block] | None = None
        self._late_system: list[Block] = []
        self._container: str | None = None

    def add(self, message: Message) -> None:
        role, content = message.role, message.content
        if role == "system":
            self._add_system(message)
            return
        if role == "tool":
            self._add_result(message)
            return
        if role == "assistant" and self._late_system:
            self._place_late_system()
        if isinstance(content, str) and message.metadata is None and not message.tool_calls:
            turn: str | list[Block] = "" if not content or content.isspace() else content
        elif role == "assistant":
            turn = self._assistant(message)
        else:
            turn = _cached(message, blocks_of(content, role, self._call))
        if turn:
            self._turns.append({"role": role, "content": turn})
            self._results = None
            self._container = None if message.metadata is None else _container_of(message, self._call)
        else:
            self._warn(f"an empty message of the {role} was left out: Anthropic takes no blank text")

    def finish(self) -> Conversation:
        self._place_late_system()
        if self._turns and self._turns[-1]["role"] == "assistant":
            self._turns[-1] = {"role": "assistant", "content": _without_end_space(self._turns[-1]["content"])}
        return Conversation(self._system, self._turns, self._container)

    def _add_system(self, message: Message) -> None:
        blocks = _cached(message, blocks_of(message.content, "system", self._call))
        if not self._turns:
            self._system += blocks
        elif traits_of(self._call.ref.model).system_turns:
            self._late_system += blocks
        else:
            self._move_to_system(blocks)

    def _move_to_system(self, blocks: list[Block]) -> None:
        self._system += blocks
        self._warn(
            f"a system message among the turns was moved to the system prompt: {self._call.ref} takes none there"
        )

    def _place_late_system(self) -> None:
        """Put what waited for the end of the user turn there; nowhere else does Anthropic take it."""
        blocks, self._late_system = self._late_system, []
        if not blocks:
            return
        if self._turns[-1]["role"] == "user":
            self._turns.append({"role": "system", "content": blocks})
            self._results = None
        else:
            self._move_to_system(blocks)

    def _add_result(self, message: Message) -> None:
        """Results of one turn go into one message; apart, they teach the model to make one call at a time."""
        block: Block = {"type": "tool_result", "tool_use_id": wire_id(message.tool_call_id)}
        content = message.content
        if not isinstance(content, str):
            content = blocks_of(content, "tool", self._call)
        elif is_blank(content):
            content = ""
        if content:
            block["content"] = content
        metadata = message.metadata
        if metadata is not None and metadata.get("is_error"):
            block["is_error"] = True
        (block,) = _cached(message, [block])
        if self._results is None:
            self._results = []
            self._turns.append({"role": "user", "content": self._results})
        self._results.append(block)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def _assistant(self, message: Message) -> list[Block]:
        neutral = blocks_of(message.content, "assistant", self._call)
        neutral += [tool_use(tool_call, self._call, self._warnings) for tool_call in message.tool_calls or ()]
        replay = [
            block
            for block in replay_of(message, self._call, self._warnings)
            if isinstance(block, dict) and isinstance(block.get("type"), str)
        ]
        if traits_of(self._call.ref.model).thinks is False and any(map(_is_thinking, replay)):
            self._warn(f"the reasoning of an earlier answer was left out: {self._call.ref} does not reason")
            replay = [block for block in replay if not _is_thinking(block)]
        if not replay:
            return _cached(message, _without_end_thinking(neutral))
        if _still_says(replay, message):
            blocks = [block for block in replay if block["type"] != "text" or _text(block).strip()]
        else:
            blocks = [*self._leading_thinking(replay), *neutral]
        return _cached(message, _without_end_thinking(blocks))

    def _leading_thinking(self, replay: list[Block]) -> list[Block]:
        """Keep what an edited message may keep: the signed thinking before everything that could have been edited."""
        end = next((at for at, block in enumerate(replay) if block["type"] not in THINKING), len(replay))
        if any(block["type"] not in ("text", "tool_use") for block in replay[end:]):
            self._warn(
                "an assistant message was edited: its blocks beyond text, calls and first thinking were left out"
            )
        return replay[:end]


def _without_end_thinking(blocks: list[Block]) -> list[Block]:
    """Cut thinking that nothing follows, as an answer has it that its limit ended; Anthropic refuses it at the end.

    https://github.com/tailcallhq/forgecode/issues/2107
    """
    end = len(blocks)
    while end and _is_thinking(blocks[end - 1]):
        end -= 1
    return blocks[:end]


def _is_thinking(block: Block) -> bool:
    return block["type"] in THINKING


def _container_of(message: Message, call: ChatCall) -> str | None:
    """The id of the container that an answer ran in: a message of the user closes its turn, and so has none."""
    native = message.metadata.get("native") if message.metadata and message.role == "assistant" else None
    if not isinstance(native, Mapping) or native.get("provider") != call.ref.provider:
        return None
    container = native.get("container")
    found = container.get("id") if isinstance(container, Mapping) else None
    return found if isinstance(found, str) else None


def _still_says(replay: list[Block], message: Message) -> bool:
    """Return whether the blocks say what the message says, which the user may have changed."""
    text = "".join(_text(block) for block in replay if block["type"] == "text")
    made = [
        {"id": block.get("id"), "function": {"name": block.get("name"), "arguments": block.get("input")}}
        for block in replay
        if block["type"] == "tool_use"
    ]
    return agrees(message, text, made)


def _text(block: Block) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else ""


def _cached(message: Message, blocks: list[Block]) -> list[Block]:
    """Mark the last block, which is never one of thinking, when the message asks for it."""
    mark = message.metadata.get("cache_control") if message.metadata else None
    if mark is None or not blocks:
        return blocks
    return [*blocks[:-1], {**blocks[-1], "cache_control": mark}]


def _without_end_space(content: str | list[Block]) -> str | list[Block]:
    """Cut what Anthropic refuses: white space at the end of an answer that it is to continue."""
    if isinstance(content, str):
        return content.rstrip()
    last = content[-1]
    if last["type"] != "text":
        return content
    return [*content[:-1], {**last, "text": _text(last).rstrip()}]
