"""A conversation with a model, or with several in turn."""

import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, overload

import msgspec
from llmring_types import LLMRequest, LLMResponse, Message, Parsed
from llmring_types.exceptions import ConfigurationError, ValidationError

from llmring._json import DECODE_ERRORS
from llmring.conversation._stream import ConversationStream
from llmring.conversation._trimming import trimmed

if TYPE_CHECKING:
    from llmring._ring import LLMRing
    from llmring.tools._options import AnyTool

_VERSION = 1
_LARGEST = 256 * 2**20
"""Bytes of the largest file that is read: images and documents included."""
_OPTIONS = frozenset(LLMRequest.__struct_fields__) - {"messages"}
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A conversation as it is stored.

    Attributes:
        version: of this form.
        model: the alias or ``provider:model``; ``None`` for the alias ``default``.
        profile: the lockfile's profile.
        max_tokens: what is sent at most, by estimate.
        cost: US dollars so far.
        unpriced: answers whose cost is not known.
        options: further fields of each request.
        messages: oldest first, with what providers want back unchanged.
    """

    version: Annotated[int, msgspec.Meta(ge=1)] = _VERSION
    model: str | None = None
    profile: str | None = None
    max_tokens: _Count | None = None
    cost: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    unpriced: _Count = 0
    options: dict[str, Any] = {}
    messages: list[Message] = []


class Conversation:
    """Messages that grow by what is sent and answered. One task uses it at a time.

    A message is kept only with its answer: where :meth:`send` raises, the conversation is as it was before.

    Args:
        ring: sends the requests; it stays yours.
        model: an alias or ``provider:model``; ``None`` for the alias ``default``. It may change at any time, also to
            another provider: what only the first can read is left out, with a warning.
        system: instructions for the model.
        messages: those that it begins with.
        profile: the lockfile's profile.
        max_tokens: limit on what is sent, by estimate: the oldest messages are left out of a request
            (:func:`trimmed`), never out of :attr:`messages`. ``None`` sends all.
        tools: functions that run (:meth:`LLMRing.run`); they are not stored.
        options: further fields of each request, such as ``temperature`` and ``reasoning_effort``.
    """

    def __init__(
        self,
        ring: "LLMRing",
        model: str | None = None,
        *,
        system: str | None = None,
        messages: Iterable[Message] = (),
        profile: str | None = None,
        max_tokens: int | None = None,
        tools: "Sequence[AnyTool]" = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self.ring = ring
        self.model = model
        self.profile = profile
        if max_tokens is not None and max_tokens < 1:
            raise ValidationError(f"max_tokens must be 1 or more; got {max_tokens}", field="max_tokens")
        self.max_tokens = max_tokens
        self.tools = tools
        self.options = dict(options or {})
        self.messages: list[Message] = list(messages)
        self._cost = 0.0
        self._unpriced = 0
        if system is not None:
            self.instruct(system)

    def __repr__(self) -> str:
        return f"Conversation(model={self.model!r}, {len(self.messages)} messages)"

    @property
    def cost(self) -> float | None:
        """US dollars of all answers so far; ``None`` where that of one is not known."""
        return None if self._unpriced else self._cost

    def instruct(self, system: str) -> None:
        """Replace the instructions."""
        self.messages = [Message.system(system), *(each for each in self.messages if each.role != "system")]

    def append(self, message: Message | LLMResponse) -> None:
        """Add a message without sending anything; of a response its message, and its cost."""
        if isinstance(message, LLMResponse):
            self._keep([message.to_message()], [message])
        else:
            self.messages.append(message)

    def branch(self) -> "Conversation":
        """Return a conversation that goes its own way from here; this one stays as it is."""
        return self._of(self._document(), self.ring, self.tools)

    @overload
    async def send(
        self, *content: str | Mapping[str, Any], response_format: type[Parsed], **fields: Any
    ) -> LLMResponse[Parsed]: ...

    @overload
    async def send(self, *content: str | Mapping[str, Any], **fields: Any) -> LLMResponse: ...

    async def send(self, *content: str | Mapping[str, Any], **fields: Any) -> LLMResponse:
        """Send what the user says and return the answer; tools run in between.

        Args:
            content: texts and parts (:mod:`llmring.content`); nothing, where a message was appended already.
            fields: of this request only, such as ``model`` or ``temperature``.

        Raises:
            LLMRingError: as from :meth:`LLMRing.chat`; the conversation is as it was before.
        """
        said, request = self._next(content, fields)
        if not self.tools:
            response = await self.ring.chat(request, self.profile)
            self._keep([*said, response.to_message()], [response])
            return response
        run = await self.ring.run(request, tools=self.tools, profile=self.profile)
        self._keep([*said, *run.messages[len(request.messages) :]], run.responses)
        return run.response

    @overload
    def stream(
        self, *content: str | Mapping[str, Any], response_format: type[Parsed], **fields: Any
    ) -> ConversationStream[Parsed]: ...

    @overload
    def stream(self, *content: str | Mapping[str, Any], **fields: Any) -> ConversationStream: ...

    def stream(self, *content: str | Mapping[str, Any], **fields: Any) -> ConversationStream:
        """Send what the user says and return the answer in chunks; it is kept once the last one has come.

        Tools run in between: the chunks are those of every answer, and :attr:`messages` has the results.
        """
        said, request = self._next(content, fields)

        def keep(messages: Sequence[Message], responses: Sequence[LLMResponse]) -> None:
            self._keep([*said, *messages], responses)

        if not self.tools:
            return ConversationStream(self.ring.chat_stream(request, self.profile), keep)
        run = self.ring.run_stream(request, tools=self.tools, profile=self.profile)
        return ConversationStream(run, keep, sent=len(request.messages))

    # ------------------------------------------------------------------ files

    def to_json(self) -> bytes:
        """Return the conversation as JSON, without the ring and the tools.

        Raises:
            ValidationError: JSON cannot carry a part of it, such as half of a surrogate pair.
        """
        try:
            return msgspec.json.encode(self._document())
        except (TypeError, UnicodeError, RecursionError) as error:
            raise ValidationError(
                f"the conversation cannot be written as JSON: {error}", field="messages"
            ) from error

    @classmethod
    def from_json(
        cls, data: bytes | str, ring: "LLMRing", *, tools: "Sequence[AnyTool]" = ()
    ) -> "Conversation":
        """Return a conversation that :meth:`to_json` wrote.

        Raises:
            ConfigurationError: it is none, or of a later version.
        """
        try:
            document = msgspec.json.decode(data, type=Document)
        except DECODE_ERRORS as error:
            raise ConfigurationError(f"this is no stored conversation: {error}") from error
        if document.version > _VERSION:
            raise ConfigurationError(
                f"the conversation was stored by a later version of llmring (form {document.version}): update llmring"
            )
        unknown = document.options.keys() - _OPTIONS
        if unknown:
            raise ConfigurationError(
                f"this is no stored conversation: requests have no option {min(unknown)!r}"
            )
        return cls._of(document, ring, tools)

    def save(self, path: str | Path) -> None:
        """Write the conversation into a file that only its owner can read.

        Raises:
            OSError: it cannot be written.
        """
        from llmring_lockfile import write_atomically  # noqa: PLC0415 - only for files

        write_atomically(Path(path), self.to_json(), private=True)

    @classmethod
    def load(cls, path: str | Path, ring: "LLMRing", *, tools: "Sequence[AnyTool]" = ()) -> "Conversation":
        """Read what :meth:`save` wrote.

        Raises:
            OSError: it cannot be read.
            ConfigurationError: it is no conversation, or no regular file: a pipe would keep us waiting.
        """
        path = Path(path)
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"{path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ConfigurationError(f"{path} has more than {_LARGEST:,} bytes")
        return cls.from_json(data, ring, tools=tools)

    # ------------------------------------------------------------------ inside

    def _document(self) -> Document:
        return Document(
            model=self.model,
            profile=self.profile,
            max_tokens=self.max_tokens,
            cost=self._cost,
            unpriced=self._unpriced,
            options=dict(self.options),
            messages=list(self.messages),
        )

    @classmethod
    def _of(cls, document: Document, ring: "LLMRing", tools: "Sequence[AnyTool]") -> "Conversation":
        found = cls(
            ring,
            document.model,
            messages=document.messages,
            profile=document.profile,
            max_tokens=document.max_tokens,
            tools=tools,
            options=document.options,
        )
        found._cost, found._unpriced = document.cost, document.unpriced
        return found

    def _next(
        self, content: Sequence[str | Mapping[str, Any]], fields: dict[str, Any]
    ) -> tuple[list[Message], LLMRequest]:
        said = [Message.user(*content)] if content else []
        messages = [*self.messages, *said]
        if not messages or messages[-1].role == "assistant":
            raise ValidationError(
                "there is nothing to send: give a text, or append a message", field="content"
            )
        if self.max_tokens is not None:
            messages = trimmed(messages, self.max_tokens)
        given = {"model": self.model, **self.options, **fields}
        if unknown := given.keys() - LLMRequest.__annotations__.keys():
            raise ValidationError(f"send has no option {', '.join(sorted(unknown))}", field=min(unknown))
        return said, LLMRequest(messages=messages, **given)

    def _keep(self, messages: Iterable[Message], responses: Iterable[LLMResponse]) -> None:
        self.messages.extend(messages)
        for response in responses:
            cost = (response.usage or {}).get("cost")
            if cost is None:
                self._unpriced += 1
            else:
                self._cost += cost
