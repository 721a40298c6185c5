"""The conversation as Converse's ``system`` and ``messages``.

Messages of the user and of the assistant take turns there, the user begins, and none is empty, so neighbours of one
role are one message: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

from typing import Any, NamedTuple

from llmring_types import Message, ToolCall
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.history import agrees, replay_of
from llmring_providers._fit.tools import arguments_object
from llmring_providers._protocol import ChatCall
from llmring_providers.bedrock.models import claude_of, rules_for
from llmring_providers.bedrock.parts import Block, Documents, blocks_of, cache_point, is_blank

_BEGUN = "(The conversation begins with your answer.)"
_ATTACHED = "See the attached document."
_NO_CONTENT = [{"text": "(no content)"}]


class Conversation(NamedTuple):
    """Messages in Converse's form.

    Attributes:
        system: blocks.
        turns: messages of the wire.
        called: names of the functions that the conversation has calls of, in order.
    """

    system: list[Block]
    turns: list[dict[str, Any]]
    called: tuple[str, ...]

    @property
    def lacks_thinking(self) -> bool:
        """True if it ends with results of calls that the model is not shown its thinking before."""
        if len(self.turns) < 2 or "toolResult" not in self.turns[-1]["content"][0]:  # noqa: PLR2004
            return False
        return "reasoningContent" not in self.turns[-2]["content"][0]


def encode_conversation(call: ChatCall, warnings: list[str]) -> Conversation:
    """Translate all messages.

    Raises:
        UnsupportedContentError: a part that Bedrock has no place for.
    """
    encoder = _Encoder(call, warnings)
    for message in call.request.messages:
        encoder.add(message)
    return encoder.finish()


class _Encoder:
    def __init__(self, call: ChatCall, warnings: list[str]) -> None:
        self._call = call
        self._warnings = warnings
        self._rules = rules_for(call)
        self._claude = claude_of(call.ref.model)
        self._documents = Documents()
        self._system: list[Block] = []
        self._turns: list[dict[str, Any]] = []
        self._late_system: list[Block] = []
        self._called: dict[str, None] = {}

    def add(self, message: Message) -> None:
        if message.role == "system":
            self._add_system(message)
            return
        if message.role == "assistant":
            self._place_late_system()
            blocks = self._assistant(message)
        elif message.role == "tool":
            blocks = [self._result(message)]
        else:
            blocks = blocks_of(message.content, "user", self._call, self._documents)
        blocks = self._marked(message, blocks)
        if blocks:
            self._append("assistant" if message.role == "assistant" else "user", blocks)
        else:
            self._warn(f"an empty message of the {message.role} was left out: Bedrock takes no blank text")

    def finish(self) -> Conversation:
        self._place_late_system()
        if self._system and self._rules.system is False:
            texts = [block for block in self._system if "text" in block]
            self._system = []
            self._warn(f"the system prompt was sent as the user's: {self._call.ref} takes none")
            if self._turns and self._turns[0]["role"] == "user":
                self._turns[0]["content"][:0] = texts
            else:
                self._turns.insert(0, {"role": "user", "content": texts})
        if self._turns and self._turns[0]["role"] == "assistant":
            self._turns.insert(0, {"role": "user", "content": [{"text": _BEGUN}]})
            self._warn("a message of the user was put before the first one: Bedrock wants the user to begin")
        for turn in self._turns:
            _accompany_documents(turn["content"])
        if self._turns and self._turns[-1]["role"] == "assistant":
            _strip_end(self._turns[-1]["content"])
        return Conversation(self._system, self._turns, tuple(self._called))

    def _append(self, role: str, blocks: list[Block]) -> None:
        if self._turns and self._turns[-1]["role"] == role:
            self._turns[-1]["content"] += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def _add_system(self, message: Message) -> None:
        blocks = self._marked(message, blocks_of(message.content, "system", self._call, self._documents))
        if not self._turns:
            self._system += blocks
        elif self._claude is not None and self._claude.system_turns:
            self._late_system += blocks
        else:
            self._move_to_system(blocks)

    def _move_to_system(self, blocks: list[Block]) -> None:
        self._system += blocks
        self._warn(
            f"a system message among the turns was moved to the system prompt: {self._call.ref} takes none there"
        )

    def _place_late_system(self) -> None:
        """Put what waited for the end of the user's turn there; Anthropic's models take it nowhere else."""
        blocks, self._late_system = self._late_system, []
        if blocks and self._turns[-1]["role"] == "user":
            self._turns.append({"role": "system", "content": blocks})
        elif blocks:
            self._move_to_system(blocks)

    def _result(self, message: Message) -> Block:
        content = blocks_of(message.content, "tool", self._call, self._documents)
        result: dict[str, Any] = {"toolUseId": message.tool_call_id or "", "content": content or _NO_CONTENT}
        if message.metadata is not None and message.metadata.get("is_error"):
            if self._rules.result_status is False:
                self._warn(f"the status of a failed call was left out: {self._call.ref} takes none")
            else:
                result["status"] = "error"
        return {"toolResult": result}

    def _assistant(self, message: Message) -> list[Block]:
        said = blocks_of(message.content, "assistant", self._call, self._documents)
        for made in message.tool_calls or ():
            said.append(self._tool_use(made))
        replay = [
            block for block in replay_of(message, self._call, self._warnings) if isinstance(block, dict)
        ]
        if self._rules.reasoning_items is False and any("reasoningContent" in block for block in replay):
            replay = [block for block in replay if "reasoningContent" not in block]
            self._warn(f"the reasoning of an earlier answer was left out: {self._call.ref} cannot read it")
        if not replay:
            return said
        if _still_says(replay, message):
            return [block for block in replay if not is_blank(block.get("text", "-"))]
        kept = next((at for at, block in enumerate(replay) if "reasoningContent" not in block), len(replay))
        return [*replay[:kept], *said]

    def _tool_use(self, made: ToolCall) -> Block:
        function: Any = made.get("function")
        if function is None:
            raise UnsupportedContentError(
                f"{self._call.ref.provider} takes only calls of functions; got {made!r}",
                provider=self._call.ref.provider,
                part="tool_calls",
            )
        self._called.setdefault(function["name"])
        arguments = arguments_object(function, self._warnings)
        return {"toolUse": {"toolUseId": made["id"], "name": function["name"], "input": arguments}}

    def _marked(self, message: Message, blocks: list[Block]) -> list[Block]:
        """Put a mark behind the blocks where the message asks for it; leave all out where the model takes none."""
        mark = message.metadata.get("cache_control") if message.metadata else None
        if mark is not None and blocks:
            blocks = [*blocks, cache_point(mark)]
        if self._rules.caches is not False or not any("cachePoint" in block for block in blocks):
            return blocks
        self._warn(f"marks for the cache were left out: {self._call.ref} takes none")
        return [block for block in blocks if "cachePoint" not in block]

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def _still_says(replay: list[Block], message: Message) -> bool:
    """Return whether the blocks say what the message says, which the user may have changed."""
    made = [
        {"id": use.get("toolUseId"), "function": {"name": use.get("name"), "arguments": use.get("input")}}
        for block in replay
        if isinstance(use := block.get("toolUse"), dict) and use.get("type") != "server_tool_use"
    ]
    return agrees(message, "".join(map(text_of, replay)), made)


def text_of(block: Block) -> str:
    """Return what a block says to the user: a text, or one with its citations."""
    text = block.get("text")
    if isinstance(text, str):
        return text
    cited = block.get("citationsContent")
    pieces = cited.get("content") if isinstance(cited, dict) else None
    return "".join(str(piece.get("text") or "") for piece in pieces or () if isinstance(piece, dict))


def _accompany_documents(content: list[Block]) -> None:
    """Add the text that a message with a document must have."""
    if any("document" in block for block in content) and not any("text" in block for block in content):
        content.append({"text": _ATTACHED})


def _strip_end(content: list[Block]) -> None:
    """Cut white space at the end of an answer that is to be continued, which Anthropic's models refuse."""
    if "text" in content[-1]:
        content[-1] = {"text": content[-1]["text"].rstrip()}
